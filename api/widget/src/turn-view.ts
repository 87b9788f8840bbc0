// The view of a turn: question, passages, answer, unsupported sentences, sources and tools.

import { html, nothing, type TemplateResult } from "lit";
import { isDoubtful } from "./answer-renderer.js";
import { escapeHidden } from "./escape.js";
import { originalView, placeView, type View } from "./source-view.js";
import { stripMarkup } from "./plain-text.js";
import { format, pluralize, type Strings } from "./strings.js";
import type { AnswerTools } from "./answer-tools.js";
import { editView, submittedText, toolsView } from "./tools-view.js";
import type { Turn } from "./turn.js";
import { type Answer, type Citation, type Passage, type Sentence, suggestedQuestions } from "./wire.js";

export interface TurnActions {
  strings: Strings;
  viewUrl(source: { url: string }): string | undefined;
  turns: Turn[];
  isBusy: boolean;
  tools: AnswerTools;
  /** Asks the question again; its answer is replaced. */
  retry(turn: Turn): void;
  edit(turn: Turn): void;
  askStarter(question: string): void;
  useKey(key: string): void;
  /** Where people sign in to the service that this page is of; undefined where they cannot. */
  signInUrl: string | undefined;
}

export function turnView(turn: Turn, actions: TurnActions): TemplateResult {
  const { strings } = actions;
  const { answer } = turn;
  const isRefused = answer?.answered === false;
  return html`<article class="turn" part="turn">
    <h3 class="question" part="question" dir="auto">${escapeHidden(turn.question)}</h3>
    ${isRefused ? nothing : passagesView(turn, actions)}
    ${turn.phase === "asking"
      ? html`<p class="quiet waiting">${turn.passages.length ? strings.reading : strings.searching}</p>`
      : nothing}
    <div class=${isRefused ? "body refused" : "body"}>
      ${isRefused ? html`<strong class="label">${strings.notAnswered}</strong>` : nothing}
      ${turn.renderer.element}
      ${answer?.conflicts?.length ? conflictsView(answer, actions) : nothing}
      ${answer ? originView(answer, strings) : nothing}
      ${answer?.index.complete === false ? html`<p class="quiet">${strings.keywordOnly}</p>` : nothing}
      ${answer ? doubtsView(answer, strings) : nothing}
    </div>
    ${isRefused ? html`${suggestionsView(answer, actions)} ${passagesView(turn, actions)}` : nothing}
    ${answer ? sourcesView(answer.citations, actions) : nothing}
    ${errorView(turn, actions)} ${answer ? toolsView(turn, actions) : nothing}
  </article>`;
}

function passagesView(turn: Turn, actions: TurnActions): View {
  const { strings } = actions;
  const { passages, answer } = turn;
  const isRefused = answer?.answered === false;
  if (!passages.length) return nothing;
  const isAnswered = answer !== undefined && !isRefused;
  const titles = [...new Set((isAnswered ? answer.citations : passages).map(({ title }) => title))].join(" · ");
  return html`<details class="found" part="passages" ?open=${isRefused}>
    <summary>
      <span class="count"
        >${isRefused ? strings.closestPassages : isAnswered
          ? pluralize(strings, "sourcesUsed", countSources(answer))
          : pluralize(strings, "passagesFound", passages.length)}</span>
      <span class="titles" dir="auto">${escapeHidden(titles)}</span>
    </summary>
    <ol>
      ${passages.map((passage) => passageView(passage, actions))}
    </ol>
  </details>`;
}

/** Returns how many sources an answer cites. */
export function countSources({ citations }: Answer): number {
  return new Set(citations.map(({ source }) => source)).size;
}

function suggestionsView(answer: Answer, actions: TurnActions): View {
  const { strings } = actions;
  const questions = suggestedQuestions(answer);
  if (!questions.length) return nothing;
  return html`<section class="suggestions" part="suggestions" aria-label=${strings.suggestions}>
    <h4>${strings.suggestions}</h4>
    <div class="starters">
      ${questions.map(
        (question) => html`<button type="button" dir="auto" @click=${() => actions.askStarter(question)}
          >${escapeHidden(question)}</button>`,
      )}
    </div>
  </section>`;
}

function passageView(passage: Passage, actions: TurnActions): TemplateResult {
  return html`<li>
    ${sourceView(passage, actions)}
    <p dir="auto">${escapeHidden(stripMarkup(passage.text))}</p>
  </li>`;
}

function sourceView(source: Passage | Citation, { strings, viewUrl }: TurnActions): TemplateResult {
  const url = viewUrl(source);
  return html`${url
      ? html`<a href=${url} target="_blank" rel="noopener" dir="auto" title=${strings.newTab}
          >${escapeHidden(source.title)}</a>`
      : html`<span dir="auto">${escapeHidden(source.title)}</span>`}
    ${placeView(source, strings)}`;
}

function conflictsView({ conflicts, citations }: Answer, { strings, viewUrl }: TurnActions): TemplateResult {
  const chip = (citation: Citation): TemplateResult =>
    html` <a class="chip" part="chip" data-n=${citation.n} href=${viewUrl(citation) ?? nothing}
      target="_blank" rel="noopener" aria-describedby="proof">[${citation.n}]</a>`;
  return html`<ul class="doubts" part="conflicts">
    ${conflicts.map(
      ({ citations: numbers }) => html`<li>
        <strong>${strings.conflict}</strong>${citations.filter(({ n }) => numbers.includes(n)).map(chip)}
      </li>`,
    )}
  </ul>`;
}

function originView(answer: Answer, strings: Strings): View {
  const origin = originText(answer, strings);
  return origin ? html`<p class="quiet kind">${origin}</p>` : nothing;
}

/** Returns how the answer was written, or why there is none; "" of what the service itself says. */
function originText(answer: Answer, strings: Strings): string {
  if (!answer.sentences[0]) return strings.reasons[answer.reason!] ?? "";
  if (answer.tentative) return strings.tentative;
  if (answer.degraded) return strings.degraded;
  return answer.answerer === "extractive" ? strings.quoted : format(strings.writtenBy, escapeHidden(answer.model ?? ""));
}

function doubtsView(answer: Answer, strings: Strings): View {
  const doubtful = answer.sentences.filter(isDoubtful);
  if (!doubtful.length) return nothing;
  return html`<ul class="doubts" part="doubts">
    ${doubtful.map((sentence) => doubtView(sentence, strings))}
  </ul>`;
}

function doubtView(sentence: Sentence, strings: Strings): TemplateResult {
  const verdict = sentence.status === "uncited" ? strings.uncited : strings.unsupported;
  return html`<li>
    <strong>${verdict}${sentence.why ? html`: ${escapeHidden(sentence.why)}` : nothing}</strong>
    <q dir="auto">${escapeHidden(sentence.text.trim())}</q>
  </li>`;
}

function sourcesView(citations: Citation[], actions: TurnActions): View {
  const { strings } = actions;
  const pages = citations.map((citation) => citation.source_url);
  if (!citations.length) return nothing;
  return html`<section class="sources" part="sources" aria-label=${strings.sources}>
    <h4>${strings.sources}</h4>
    <ul>
      ${citations.map(
        (citation, index) => html`<li>
          <span class="number">[${citation.n}]</span>
          ${sourceView(citation, actions)}
          ${pages.indexOf(citation.source_url) === index ? originalView(citation, strings) : nothing}
        </li>`,
      )}
    </ul>
  </section>`;
}

function errorView(turn: Turn, actions: TurnActions): View {
  const { strings } = actions;
  const retry = html`<button type="button" class="plain" @click=${() => actions.retry(turn)}>
    ${strings.retry}
  </button>`;
  const edit = turn === actions.turns.at(-1) ? editView(turn, actions) : nothing;
  if (turn.phase === "stopped") return html`<p class="note">${strings.stopped} ${retry} ${edit}</p>`;
  const { error } = turn;
  if (!error) return nothing;
  if (error.kind === "key") return keyView(actions, error.code === "key_refused");
  const message = error.kind === "refused" ? error.detail || strings.failed : strings[error.kind];
  return html`<p class="note" part="error" role="alert">
    <span dir="auto">${escapeHidden(message)}</span> ${error.retryable ? retry : nothing} ${edit}
  </p>`;
}

function keyView(actions: TurnActions, isRefused: boolean): TemplateResult {
  const { strings, signInUrl } = actions;
  if (signInUrl) {
    return html`<p class="note" role="alert">
      <strong>${strings.signInRequired}</strong> <a href=${signInUrl}>${strings.signIn}</a>
    </p>`;
  }
  const submit = (event: SubmitEvent): void => {
    const key = submittedText(event, "key").trim();
    if (key) actions.useKey(key);
  };
  return html`<form class="note" @submit=${submit}>
    <strong>${isRefused ? strings.keyRefused : strings.keyRequired}</strong>
    <label>${strings.keyLabel} <input name="key" type="password" autocomplete="off" required /></label>
    <button type="submit">${strings.useKey}</button>
    <span class="quiet">${strings.keyNote}</span>
  </form>`;
}
