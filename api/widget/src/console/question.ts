// One question: its answer, the passages with their scores by stage, the prompt, and a replay.

import { html, nothing, type TemplateResult } from "lit";
import { duration, moment, number, percent, shown } from "./format.js";
import type { Loader } from "./loader.js";
import { type Column, facts, fileLink, loaded, type Piece, table } from "./parts.js";
import { stateBadge } from "./questions.js";
import { labelOf, plural, type Texts } from "./texts/index.js";
import type { View } from "./view.js";
import type { QuestionRecord, QuotedSource, RecordedPassage, Replay } from "./wire.js";

export function questionView(view: View, record: Loader<QuestionRecord>, replay: Loader<Replay>): TemplateResult {
  const { texts } = view;
  return html`<p><a href="#/questions">← ${texts.back}</a></p>
    ${loaded(record, texts, (one) => html`<h2 dir="auto">${shown(one.question)}</h2>
      ${factsView(view, one)}
      <section class="card" aria-labelledby="answer-title"><h3 id="answer-title">${texts.answer}</h3>
        <p class="text" dir="auto">${shown(one.answer)}</p>
        ${citationsView(texts, one.citations)}</section>
      ${replayView(view, replay)}
      ${passagesView(view, one.passages)}
      ${promptView(view, one)}`)}`;
}

function factsView({ texts }: View, one: QuestionRecord): TemplateResult {
  const standalone = one.standalone_question === one.question ? null : shown(one.standalone_question);
  const answeredBy = one.model ? shown(one.model) : one.answerer === "extractive" ? texts.extractive : shown(one.answerer);
  return facts([
    [texts.when, moment(texts, one.time)],
    [texts.state, html`${stateBadge(texts, one.state)} ${shown(labelOf(texts.reasons, one.reason))}`],
    [texts.kind, shown(labelOf(texts.kinds, one.kind))],
    [texts.confidence, percent(texts, one.confidence)],
    [texts.standalone, standalone],
    [texts.answeredBy, answeredBy],
    [texts.latency, duration(texts, one.timings_ms["total"])],
  ]);
}

/** The quotes that an answer cites, each with its source. */
export function citationsView(texts: Texts, citations: QuotedSource[]): Piece {
  if (!citations.length) return nothing;
  return html`<h4>${texts.citations}</h4><ol class="citations">${citations.map(({ source, quote }) =>
    html`<li><q dir="auto">${shown(quote)}</q> <span class="from">${fileLink(source)}</span></li>`)}</ol>`;
}

function replayView(view: View, replay: Loader<Replay>): TemplateResult {
  const { texts } = view;
  return html`<section class="card" aria-labelledby="replay-title"><div class="row between">
      <h3 id="replay-title">${texts.replayed}</h3>
      <button type="button" class="plain" ?disabled=${replay.isLoading} @click=${() => void replay.load(true)}>
        ${replay.isLoading ? texts.replaying : texts.replay}</button></div>
    <div role="status">${replay.data || replay.error ? loaded(replay, texts, ({ answer, differences }) => html`
      <p class="text" dir="auto">${shown(answer.answer)}</p>
      ${differences.length
        ? html`<p>${plural(texts, texts.differences, differences.length)}</p><ul class="list">${differences.map(
            (difference) => html`<li dir="auto">${shown(difference)}</li>`)}</ul>`
        : html`<p class="quiet">${texts.noDifferences}</p>`}`) : nothing}</div>
  </section>`;
}

function passagesView(view: View, passages: RecordedPassage[]): TemplateResult {
  const { texts } = view;
  const stages = [...new Set(passages.flatMap(({ scores }) => Object.keys(scores)))];
  const columns: Column<RecordedPassage>[] = [
    { name: texts.source, cell: (passage) => html`${fileLink(passage.source)}
        <span class="from">${passage.start}–${passage.end}</span>
        ${passage.text ? html`<details><summary>${texts.passageText}</summary><p class="text" dir="auto">${shown(passage.text)}</p></details>` : nothing}` },
    { name: texts.rank, isNumber: true, cell: ({ rank }) => number(texts, rank) },
    { name: texts.score, isNumber: true, cell: ({ score }) => number(texts, score, 2) },
    ...stages.map((stage) => ({ name: shown(labelOf(texts.stages, stage)), isNumber: true,
      cell: ({ scores }: RecordedPassage) => number(texts, scores[stage], 2) })),
  ];
  return html`<section class="card" aria-labelledby="passages-title"><h3 id="passages-title">${texts.passages}</h3>
    ${passages.length ? table(texts.passages, columns, passages) : html`<p class="empty">${texts.none}</p>`}</section>`;
}

function promptView({ texts }: View, { messages }: QuestionRecord): Piece {
  if (!messages.length) return nothing;
  return html`<section class="card"><details><summary>${texts.prompt}</summary>${messages.map(({ role, content }) =>
    html`<h4>${shown(role)}</h4><pre dir="auto">${shown(content)}</pre>`)}</details></section>`;
}
