// The view of the tools below a turn: copy, link, ask again, edit, rate; and the feedback form.

import { html, nothing, type TemplateResult } from "lit";
import type { View } from "./source-view.js";
import type { Rating, Turn } from "./turn.js";
import type { TurnActions } from "./turn-view.js";

const PATHS = {
  thumb: "M3 10h3v10H3zM8 10l5-8 2 1-1 6h7v3l-3 8H8z",
  link: "M10 7H7a5 5 0 0 0 0 10h3v-2H7a3 3 0 0 1 0-6h3zM14 7h3a5 5 0 0 1 0 10h-3v-2h3a3 3 0 0 0 0-6h-3zM8 11h8v2H8z",
  again: "M12 4a8 8 0 1 0 8 8h-2a6 6 0 1 1-6-6v4l6-5-6-5z",
  edit: "M3 21v-4L15 5l4 4L7 21zM16 4l2-2 4 4-2 2z",
  done: "M9 19l-7-7 2-2 5 5L20 4l2 2z",
};

interface IconButton {
  name: "share" | "again" | "edit";
  label: string;
  path: string;
  onClick(): void;
}

function iconView({ name, label, path, onClick }: IconButton): TemplateResult {
  return html`<button type="button" class="icon tool" part=${name} aria-label=${label} title=${label} @click=${onClick}>
    <svg viewBox="0 0 24 24" aria-hidden="true"><path d=${path} /></svg>
  </button>`;
}

export function toolsView(turn: Turn, actions: TurnActions): TemplateResult {
  const { strings, tools } = actions;
  const thumb = (rating: Rating, label: string): TemplateResult =>
    html`<button type="button" class="icon" aria-label=${label} title=${label}
      aria-pressed=${turn.submittedRating === rating || turn.feedback === rating}
      @click=${() => tools.rate(turn, rating)}>
      <svg class=${rating} viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS.thumb} /></svg>
    </button>`;
  return html`<div class="tools" part="tools">
      ${turn.answer?.answered === false
        ? nothing
        : html`<button type="button" class="plain" @click=${() => tools.copy(turn)}>
            ${turn.copied === "answer" ? strings.copied : strings.copy}
          </button>`}
      ${thumb("up", strings.goodAnswer)} ${thumb("down", strings.badAnswer)}
      ${tools.canShare ? shareView(turn, actions) : nothing}
      ${turn === actions.turns.at(-1) ? lastTurnView(turn, actions) : nothing}
    </div>
    ${feedbackView(turn, actions)}`;
}

function shareView(turn: Turn, { strings, tools }: TurnActions): TemplateResult {
  const isCopied = turn.copied === "link";
  const [label, path] = isCopied ? [strings.copied, PATHS.done] : [strings.copyLink, PATHS.link];
  return iconView({ name: "share", label, path, onClick: () => tools.share(turn) });
}

/** What can be done with the last question only: nothing follows from its answer. */
function lastTurnView(turn: Turn, actions: TurnActions): TemplateResult {
  const label = actions.strings.askAgain;
  return html`${iconView({ name: "again", label, path: PATHS.again, onClick: () => actions.retry(turn) })}
    ${editView(turn, actions)}`;
}

export function editView(turn: Turn, actions: TurnActions): TemplateResult {
  const label = actions.strings.editQuestion;
  return iconView({ name: "edit", label, path: PATHS.edit, onClick: () => actions.edit(turn) });
}

function feedbackView(turn: Turn, actions: TurnActions): View {
  const { strings, tools } = actions;
  const { feedback } = turn;
  if (!feedback) return nothing;
  if (feedback === "sent") return html`<p class="quiet" role="status">${strings.thanks}</p>`;
  const submit = (event: SubmitEvent): void => tools.sendFeedback(turn, submittedText(event, "comment"));
  return html`<form class="feedback" @submit=${submit}>
    <label>${strings.comment}<textarea name="comment" rows="2" maxlength="4000" dir="auto"></textarea></label>
    <p class="quiet">${strings.feedbackNote}</p>
    ${feedback === "failed" ? html`<p class="note" role="alert">${strings.feedbackFailed}</p>` : nothing}
    <button type="submit">${strings.sendFeedback}</button>
    <button type="button" class="plain" @click=${() => tools.rate(turn, undefined)}>${strings.cancel}</button>
  </form>`;
}

/** Prevents the form's navigation and returns the value of a field. */
export function submittedText(event: SubmitEvent, name: string): string {
  event.preventDefault();
  const value = new FormData(event.target as HTMLFormElement).get(name);
  return typeof value === "string" ? value : "";
}
