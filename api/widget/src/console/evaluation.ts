// One evaluation: its measures, and its cases, those that failed first.

import { html, nothing, type TemplateResult } from "lit";
import { moment, number, shown } from "./format.js";
import { intervalView } from "./intervals.js";
import type { Loader } from "./loader.js";
import { badge, type Column, loaded, table } from "./parts.js";
import { citationsView } from "./question.js";
import { labelOf, plural, type Texts } from "./texts/index.js";
import type { View } from "./view.js";
import type { CaseResult, EvaluationDetail, MetricValue } from "./wire.js";

export function evaluationView({ texts }: View, evaluation: Loader<EvaluationDetail>): TemplateResult {
  return html`<p><a href="#/quality">← ${texts.back}</a></p>
    ${loaded(evaluation, texts, ({ label, id, time, cases, metrics, results, error }) => html`
      <h2 dir="auto">${shown(label) || shown(id)}</h2>
      <p class="quiet">${moment(texts, time)} · ${plural(texts, texts.cases, cases)}</p>
      ${error ? html`<p class="note" dir="auto">${shown(error)}</p>` : nothing}
      <section class="card" aria-labelledby="metrics-title"><h3 id="metrics-title">${texts.allMetrics}</h3>
        ${table(texts.allMetrics, metricColumns(texts), sortMetrics(texts, metrics))}
        <p class="quiet">${texts.intervalNote}</p></section>
      <section class="card" aria-labelledby="cases-title"><h3 id="cases-title">${texts.caseSet}</h3>
        ${results.length ? table(texts.caseSet, caseColumns(texts), results) : html`<p class="empty">${texts.none}</p>`}</section>`)}`;
}

type NamedMetric = [string, MetricValue];

/** Returns the metrics, those that everybody asks for first. */
function sortMetrics(texts: Texts, metrics: Record<string, MetricValue>): NamedMetric[] {
  const known = Object.keys(texts.metrics);
  const order = (name: string): number => (known.includes(name) ? known.indexOf(name) : known.length);
  return Object.entries(metrics).sort(([one], [other]) => order(one) - order(other) || one.localeCompare(other));
}

function metricColumns(texts: Texts): Column<NamedMetric>[] {
  return [
    { name: texts.metric, cell: ([name]) => shown(labelOf(texts.metrics, name)) },
    { name: texts.value, cell: ([, metric]) => intervalView(texts, metric) },
    { name: texts.caseSet, isNumber: true, cell: ([, { n }]) => number(texts, n) },
  ];
}

function caseColumns(texts: Texts): Column<CaseResult>[] {
  return [
    { name: texts.question, cell: ({ question }) => html`<span dir="auto">${shown(question)}</span>` },
    { name: texts.state, cell: ({ failure, error }) => html`${failure
        ? badge("bad", shown(labelOf(texts.failures, failure)))
        : badge("good", texts.right)}${error ? html`<p class="cause" dir="auto">${shown(error)}</p>` : nothing}` },
    { name: texts.rightAnswer, cell: ({ expected, answerable }) => html`<span dir="auto">${answerable
        ? shown(expected.join(" · ")) || texts.unknown : texts.notAnswerable}</span>` },
    { name: texts.answer, cell: ({ answer, citations }) => html`<p class="text" dir="auto">${shown(answer) || texts.unknown}</p>
        ${citations.length ? html`<details><summary>${texts.citations}</summary>${citationsView(texts, citations)}</details>` : nothing}` },
  ];
}
