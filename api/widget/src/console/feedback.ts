// <console-feedback>: what readers said of answers, and the form that accepts one as an evaluation case.

import { html, nothing, type TemplateResult } from "lit";
import { saveFile } from "./api.js";
import { moment, shown } from "./format.js";
import { Loader } from "./loader.js";
import { badge, choice, loaded, moreButton } from "./parts.js";
import { citationsView } from "./question.js";
import { ratingBadge } from "./questions.js";
import { View } from "./view.js";
import type { Feedback, FeedbackPage, QuotedSource, Rating } from "./wire.js";

export class FeedbackView extends View {
  readonly #feedback = new Loader<FeedbackPage>(this, () => this.#page());
  #rating: Rating | "" = "";
  /** The answer whose form is open. */
  #accepting: string | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.updateComplete.then(() => this.#feedback.load());
  }

  #page(after?: string): Promise<FeedbackPage> {
    return this.api.get("v1/feedback", { rating: this.#rating, after });
  }

  #more(): void {
    void this.#feedback.extend(async ({ feedback, next }) => {
      const page = await this.#page(next ?? "");
      return { ...page, feedback: [...feedback, ...page.feedback] };
    });
  }

  async #export(): Promise<void> {
    await this.act(async () => saveFile(await this.api.blob("v1/feedback/export"), "feedback.jsonl"));
  }

  async #accept(one: Feedback, event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const fields = new FormData(event.target as HTMLFormElement);
    const isUnanswerable = fields.get("unanswerable") !== null;
    const answer = String(fields.get("answer") ?? "").trim();
    const done = await this.act(async () => {
      const evidence = isUnanswerable ? [] : evidenceOf(one, fields);
      const body = isUnanswerable ? { answer: "", answerable: false } : { answer, evidence };
      await this.api.post(`${pathOf(one)}/case`, body);
      this.host.announce(this.texts.accepted);
    });
    if (!done) return;
    this.#accepting = undefined;
    await this.#feedback.load();
  }

  async #delete(one: Feedback): Promise<void> {
    const { texts } = this;
    const confirmation = { title: texts.deleteFeedback, note: texts.deleteFeedbackNote, action: texts.delete };
    if (!(await this.host.confirm(confirmation))) return;
    await this.act(async () => void (await this.api.delete(pathOf(one))));
    await this.#feedback.load();
  }

  // --- rendering

  override render(): TemplateResult {
    const { texts } = this;
    const ratings = [["", texts.all], ["down", texts.ratings.down], ["up", texts.ratings.up]] as const;
    return html`<div class="row between"><h2>${texts.views.feedback}</h2>
        <button type="button" class="plain" @click=${() => this.#export()}>${texts.exportCases}</button></div>
      <div class="filters">${choice<Rating | "">(texts.rating, ratings, this.#rating, (rating) => {
        this.#rating = rating;
        void this.#feedback.load();
      })}</div>
      ${loaded(this.#feedback, texts, ({ feedback, next }) => feedback.length
        ? html`<ul class="cards">${feedback.map((one) => html`<li class="card">${this.#feedbackView(one)}</li>`)}</ul>
          ${moreButton(this, next, this.#feedback.isLoading, () => this.#more())}`
        : html`<p class="empty">${this.#rating ? texts.nothing : texts.noFeedback}</p>`)}`;
  }

  #feedbackView(one: Feedback): TemplateResult {
    const { texts } = this;
    return html`<div class="row between">
        <span>${ratingBadge(texts, one.rating)} ${one.accepted_as ? badge("good", texts.accepted) : nothing}</span>
        <span class="quiet" dir="auto">${moment(texts, one.time)}${one.by ? ` · ${texts.by}: ${shown(one.by)}` : ""}</span>
      </div>
      <div class="beside">
        <div><h3 dir="auto">${shown(one.question) || texts.unknown}</h3>
          <p class="text" dir="auto">${shown(one.answer) || texts.unknown}</p>
          ${citationsView(texts, one.citations)}
          ${one.words === "client" ? html`<p class="quiet">${texts.clientWords}</p>` : nothing}</div>
        <div><h4>${texts.comment}</h4>
          ${one.comment ? html`<p class="text comment" dir="auto">${shown(one.comment)}</p>` : html`<p class="quiet">${texts.noComment}</p>`}
          ${one.correct_answer ? html`<h4>${texts.suggested}</h4><p class="text" dir="auto">${shown(one.correct_answer)}</p>` : nothing}</div>
      </div>
      ${this.#actionsView(one)}`;
  }

  #actionsView(one: Feedback): TemplateResult {
    const { texts } = this;
    if (this.#accepting === one.answer_id) return this.#acceptView(one);
    const open = (): void => {
      this.#accepting = one.answer_id;
      this.requestUpdate();
      void this.updateComplete.then(() => this.querySelector<HTMLElement>("form.accept textarea")?.focus());
    };
    return html`<div class="row">
      ${one.accepted_as || !one.question ? nothing : html`<button type="button" @click=${open}>${texts.accept}</button>`}
      <button type="button" class="plain" @click=${() => this.#delete(one)}>${texts.delete}</button>
    </div>`;
  }

  #acceptView(one: Feedback): TemplateResult {
    const { texts } = this;
    const given = one.correct_answer ?? (one.rating === "up" ? one.answer : "") ?? "";
    const cancel = (): void => {
      this.#accepting = undefined;
      this.requestUpdate();
    };
    const toggle = (event: Event): void => {
      const { checked, form } = event.target as HTMLInputElement;
      const answer = form?.elements.namedItem("answer");
      if (answer instanceof HTMLTextAreaElement) answer.disabled = checked;
    };
    const isRight = one.rating === "up";
    return html`<form class="accept" @submit=${(event: SubmitEvent) => this.#accept(one, event)}>
      <h4>${texts.acceptTitle}</h4>
      <label class="field">${texts.rightAnswer}<textarea name="answer" rows="3" required maxlength="4000" dir="auto" .value=${given}></textarea></label>
      <fieldset><legend>${texts.evidence}</legend>
        ${one.citations.map(({ source, quote }, at) => html`<label class="check"><input type="checkbox" name="evidence" value=${at}
          ?checked=${isRight}><q dir="auto">${shown(quote)}</q> <span class="quiet" dir="auto">${shown(source)}</span></label>`)}
        <div class="row"><label class="field wide">${texts.evidenceSource}<input name="source" maxlength="1000" autocomplete="off" dir="auto"></label>
          <label class="field wide">${texts.evidenceQuote}<input name="quote" maxlength="4000" autocomplete="off" dir="auto"></label></div>
      </fieldset>
      <label class="check"><input type="checkbox" name="unanswerable" @change=${toggle}>${texts.notAnswerable}</label>
      <div class="row"><button type="submit">${texts.accept}</button>
        <button type="button" class="plain" @click=${cancel}>${texts.cancel}</button></div>
    </form>`;
  }
}

/** The citations that were ticked, and the quote that was typed in. */
function evidenceOf(one: Feedback, fields: FormData): QuotedSource[] {
  const ticked = fields.getAll("evidence").map((at) => one.citations[Number(at)]).filter((cited) => cited !== undefined);
  const [source, quote] = ["source", "quote"].map((name) => String(fields.get(name) ?? "").trim());
  return source && quote ? [...ticked, { source, quote }] : ticked;
}

function pathOf({ answer_id: id }: Feedback): string {
  return `v1/feedback/${encodeURIComponent(id)}`;
}

customElements.define("console-feedback", FeedbackView);
