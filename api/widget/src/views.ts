// What a turn looks like: question, what was found, the answer, its verdicts, sources and buttons.

import { html, nothing, type TemplateResult } from "lit";
import type { Strings } from "./strings.js";
import { counted, fill } from "./strings.js";
import { isDoubtful } from "./answer.js";
import { screen } from "./text.js";
import type { Turn } from "./turn.js";
import type { Answer, Citation, Passage, Sentence } from "./wire.js";

export interface Actions {
  words: Strings;
  link(to: { url: string }): string | undefined;
  again(turn: Turn): void;
  copy(turn: Turn): void;
  rate(turn: Turn, rating: "up" | "down" | undefined): void;
  send(turn: Turn, comment: string): void;
  key(key: string): void;
}

const THUMB = "M3 10h3v10H3zM8 10l5-8 2 1-1 6h7v3l-3 8H8z";

type Part = TemplateResult | typeof nothing;

export function place(words: Strings, at: { page: number | null; line?: number }): string {
  if (at.page !== null) return fill(words.page, at.page);
  return at.line === undefined ? "" : fill(words.line, at.line);
}

export function turnView(turn: Turn, actions: Actions): TemplateResult {
  const { words } = actions;
  const refused = turn.answer?.answered === false;
  return html`<article class="turn" part="turn">
    <h3 class="question" part="question" dir="auto">${screen(turn.question)}</h3>
    ${refused ? nothing : foundView(turn, actions)}
    ${turn.phase === "asking"
      ? html`<p class="quiet waiting">${turn.passages.length ? words.reading : words.searching}</p>`
      : nothing}
    <div class=${refused ? "body refused" : "body"}>
      ${refused ? html`<strong class="label">${words.refused}</strong>` : nothing}
      ${turn.text.element}
      ${turn.answer ? kindView(turn.answer, words) : nothing}
      ${turn.answer?.index.complete === false ? html`<p class="quiet">${words.partial}</p>` : nothing}
      ${turn.answer ? doubtsView(turn.answer, words) : nothing}
    </div>
    ${refused ? foundView(turn, actions) : nothing}
    ${turn.answer ? sourcesView(turn.answer.citations, actions) : nothing}
    ${troubleView(turn, actions)} ${turn.answer ? toolsView(turn, actions) : nothing}
  </article>`;
}

function foundView(turn: Turn, actions: Actions): Part {
  const { passages, answer } = turn;
  const refused = answer?.answered === false;
  if (!passages.length) return nothing;
  const titles = [...new Set(passages.map((passage) => passage.title))].join(" · ");
  return html`<details class="found" part="passages" ?open=${refused}>
    <summary>
      <span class="count">${refused ? actions.words.nearest : counted(actions.words, "found", passages.length)}</span>
      <span class="titles" dir="auto">${screen(titles)}</span>
    </summary>
    <ol>
      ${passages.map((passage) => passageView(passage, actions))}
    </ol>
  </details>`;
}

function passageView(passage: Passage, { words, link }: Actions): TemplateResult {
  const where = [passage.source, passage.heading, place(words, passage)].filter(Boolean).join(" · ");
  return html`<li>
    ${linked(link(passage), passage.title, words)}
    <span class="from" dir="auto">${screen(where)}</span>
    <p dir="auto">${screen(passage.text.replace(/^#{1,6} /gm, ""))}</p>
  </li>`;
}

function linked(address: string | undefined, title: string, words: Strings): TemplateResult {
  if (!address) return html`<span dir="auto">${screen(title)}</span>`;
  return html`<a href=${address} target="_blank" rel="noopener" dir="auto" title=${words.tab}
    >${screen(title)}</a>`;
}

function kindView(answer: Answer, words: Strings): Part {
  const said = kind(answer, words);
  return said ? html`<p class="quiet kind">${said}</p>` : nothing;
}

function kind(answer: Answer, words: Strings): string {
  if (!answer.answered) {
    const reason = answer.reason === "unsupported" ? "unsupported_all" : answer.reason;
    return words[reason as keyof Strings] ?? "";
  }
  if (answer.degraded) return words.degraded;
  return answer.answerer === "extractive" ? words.quoted : fill(words.worded, screen(answer.model ?? ""));
}

function doubtsView(answer: Answer, words: Strings): Part {
  const doubtful = answer.sentences.filter(isDoubtful);
  if (!doubtful.length) return nothing;
  return html`<ul class="doubts" part="doubts">
    ${doubtful.map((sentence) => doubtView(sentence, words))}
  </ul>`;
}

function doubtView(sentence: Sentence, words: Strings): TemplateResult {
  const verdict = sentence.status === "uncited" ? words.uncited : words.unsupported;
  return html`<li>
    <strong>${verdict}${sentence.why ? html`: ${screen(sentence.why)}` : nothing}</strong>
    <q dir="auto">${screen(sentence.text.trim())}</q>
  </li>`;
}

function sourcesView(citations: Citation[], { words, link }: Actions): Part {
  if (!citations.length) return nothing;
  return html`<section class="sources" part="sources" aria-label=${words.sources}>
    <h4>${words.sources}</h4>
    <ul>
      ${citations.map((citation) => {
        const where = [citation.source, citation.heading, place(words, citation)];
        return html`<li>
          <span class="number">[${citation.n}]</span>
          ${linked(link(citation), citation.title, words)}
          <span class="from" dir="auto">${screen(where.filter(Boolean).join(" · "))}</span>
        </li>`;
      })}
    </ul>
  </section>`;
}

function troubleView(turn: Turn, actions: Actions): Part {
  const { words } = actions;
  const again = html`<button type="button" class="plain" @click=${() => actions.again(turn)}>
    ${words.retry}
  </button>`;
  if (turn.phase === "stopped") return html`<p class="note">${words.stopped} ${again}</p>`;
  const { trouble } = turn;
  if (!trouble) return nothing;
  if (trouble.kind === "key") return keyView(actions, trouble.code === "key_refused");
  const said = trouble.kind === "refused" ? trouble.detail || words.failed : words[trouble.kind];
  return html`<p class="note" part="error" role="alert">
    <span dir="auto">${screen(said)}</span> ${trouble.retryable ? again : nothing}
  </p>`;
}

function keyView(actions: Actions, refused: boolean): TemplateResult {
  const { words } = actions;
  const use = (event: SubmitEvent): void => {
    event.preventDefault();
    const given = new FormData(event.target as HTMLFormElement).get("key");
    if (typeof given === "string" && given.trim()) actions.key(given.trim());
  };
  return html`<form class="note" @submit=${use}>
    <strong>${refused ? words.key_refused : words.key}</strong>
    <label>${words.key_label} <input name="key" type="password" autocomplete="off" required /></label>
    <button type="submit">${words.key_use}</button>
    <span class="quiet">${words.key_note}</span>
  </form>`;
}

function toolsView(turn: Turn, actions: Actions): TemplateResult {
  const { words } = actions;
  const thumb = (rating: "up" | "down", label: string): TemplateResult =>
    html`<button type="button" class="icon" aria-label=${label} title=${label}
      aria-pressed=${turn.rated === rating || turn.feedback === rating}
      @click=${() => actions.rate(turn, rating)}>
      <svg class=${rating} viewBox="0 0 24 24" aria-hidden="true"><path d=${THUMB} /></svg>
    </button>`;
  return html`<div class="tools" part="tools">
      ${turn.answer?.answered === false
        ? nothing
        : html`<button type="button" class="plain" @click=${() => actions.copy(turn)}>
            ${turn.copied ? words.copied : words.copy}
          </button>`}
      ${thumb("up", words.good)} ${thumb("down", words.bad)}
    </div>
    ${feedbackView(turn, actions)}`;
}

function feedbackView(turn: Turn, actions: Actions): Part {
  const { words } = actions;
  const { feedback } = turn;
  if (!feedback) return nothing;
  if (feedback === "sent") return html`<p class="quiet" role="status">${words.thanks}</p>`;
  const send = (event: SubmitEvent): void => {
    event.preventDefault();
    const said = new FormData(event.target as HTMLFormElement).get("comment");
    actions.send(turn, typeof said === "string" ? said : "");
  };
  return html`<form class="feedback" @submit=${send}>
    <label>${words.comment}<textarea name="comment" rows="2" maxlength="4000" dir="auto"></textarea></label>
    <p class="quiet">${words.tell}</p>
    ${feedback === "failed" ? html`<p class="note" role="alert">${words.unsent}</p>` : nothing}
    <button type="submit">${words.give}</button>
    <button type="button" class="plain" @click=${() => actions.rate(turn, undefined)}>${words.cancel}</button>
  </form>`;
}

/** Returns an answer as text to paste elsewhere: with the sources its markers name. */
export function copied(answer: Answer, { words, link }: Actions): string {
  const sources = answer.citations.map((citation) => {
    const where = [citation.title, citation.source, place(words, citation)].filter(Boolean);
    return `[${citation.n}] ${where.join(", ")}: “${citation.quote}” ${link(citation) ?? ""}`.trim();
  });
  const end = sources.length ? `\n\n${words.sources}\n${sources.join("\n")}` : "";
  return answer.answer + end;
}
