// Two evaluations side by side: what changed, with its interval, and the cases that were fixed or broken.

import { html, type TemplateResult } from "lit";
import { number, shown } from "./format.js";
import type { Loader } from "./loader.js";
import { type Column, loaded, table } from "./parts.js";
import { fill, labelOf, type Texts } from "./texts/index.js";
import type { View } from "./view.js";
import type { CaseFlip, Comparison, MetricChange } from "./wire.js";

export function comparisonView(view: View, comparison: Loader<Comparison>): TemplateResult {
  const { texts } = view;
  return html`<p><a href="#/quality">← ${texts.back}</a></p><h2>${texts.comparison}</h2>
    ${loaded(comparison, texts, ({ metrics, fixed, broken }) => html`
      <div class="beside">
        ${flipsView(texts, `${texts.broken} (${number(texts, broken.length)})`, broken, texts.noneBroken)}
        ${flipsView(texts, `${texts.fixed} (${number(texts, fixed.length)})`, fixed, texts.noneFixed)}
      </div>
      ${table(texts.comparison, columns(texts), metrics)}`)}`;
}

function flipsView(texts: Texts, title: string, flips: CaseFlip[], none: string): TemplateResult {
  const failure = (name: string | null): string => shown(name === null ? texts.right : labelOf(texts.failures, name));
  return html`<section class="card"><h3>${title}</h3>${flips.length
    ? html`<ul class="list">${flips.map(({ question, before, after }) => html`<li dir="auto">${shown(question)}
        <span class="from">${fill(texts.was, failure(before))} · ${fill(texts.nowIs, failure(after))}</span></li>`)}</ul>`
    : html`<p class="empty">${none}</p>`}</section>`;
}

function columns(texts: Texts): Column<MetricChange>[] {
  const signed = (value: number): string => `${value > 0 ? "+" : ""}${number(texts, value, 3)}`;
  return [
    { name: texts.metric, cell: ({ metric }) => shown(labelOf(texts.metrics, metric)) },
    { name: texts.before, isNumber: true, cell: ({ before }) => number(texts, before, 3) },
    { name: texts.after, isNumber: true, cell: ({ after }) => number(texts, after, 3) },
    { name: texts.difference, isNumber: true, cell: ({ difference, low, high }) =>
      `${signed(difference)} (${signed(low)} … ${signed(high)})` },
    { name: texts.chance, isNumber: true, cell: ({ p }) => number(texts, p, 3) },
  ];
}
