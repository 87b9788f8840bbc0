// <console-questions>: what was asked, grouped by meaning or one by one, and one question in detail.

import { html, nothing, type TemplateResult } from "lit";
import { saveFile } from "./api.js";
import { duration, moment, number, percent, shown } from "./format.js";
import { Loader } from "./loader.js";
import { badge, choice, type Column, loaded, moreButton, type Piece, searchField, select, table } from "./parts.js";
import { questionView } from "./question.js";
import { fill, labelOf, plural, type Texts } from "./texts/index.js";
import { View } from "./view.js";
import type { AnswerState, ListedQuestion, QuestionGroup, QuestionRecord, Questions, Rating, Replay } from "./wire.js";

const STATES = ["refused", "tentative", "answered"] as const;
const BADGES = { answered: "good", refused: "bad", tentative: "warn" } as const;
const DAY_MS = 86_400_000;

export function stateBadge(texts: Texts, state: string): TemplateResult {
  const known = state as AnswerState;
  return badge(BADGES[known] ?? "off", texts.answerStates[known] ?? shown(state));
}

export class QuestionsView extends View {
  readonly #questions = new Loader<Questions>(this, () => this.#page());
  readonly #groups = new Loader<{ groups: QuestionGroup[] }>(this, () =>
    this.api.get("v1/questions/groups", { since: this.#since }));
  readonly #record = new Loader<QuestionRecord>(this, () => this.api.get(this.#recordPath));
  readonly #replay = new Loader<Replay>(this, () => this.api.post(`${this.#recordPath}/replay`));
  #isGrouped = true;
  #state: AnswerState | "" = "";
  #rating: Rating | "" = "";
  #days = "30";
  #query = "";

  override willUpdate(changed: Map<string, unknown>): void {
    if (!changed.has("route")) return;
    this.#replay.data = undefined;
    if (this.route.length) void this.#record.load(true);
    else this.#reload();
  }

  override render(): TemplateResult {
    if (this.route.length) return questionView(this, this.#record, this.#replay);
    return this.#listView();
  }

  get #recordPath(): string {
    return `v1/questions/${encodeURIComponent(this.route[0] ?? "")}`;
  }

  get #since(): string {
    return this.#days && new Date(Date.now() - Number(this.#days) * DAY_MS).toISOString().slice(0, 10);
  }

  #page(after?: string): Promise<Questions> {
    const filters = { state: this.#state, rating: this.#rating, since: this.#since, q: this.#query };
    return this.api.get("v1/questions", { ...filters, after });
  }

  #reload(): void {
    void this.#questions.load();
    if (this.#isGrouped) void this.#groups.load();
  }

  #more(): void {
    void this.#questions.extend(async (questions) => {
      const page = await this.#page(questions.next ?? "");
      return { ...page, questions: [...questions.questions, ...page.questions] };
    });
  }

  async #export(format: "csv" | "jsonl"): Promise<void> {
    await this.act(async () => saveFile(await this.api.blob("v1/questions/export", { format }), `questions.${format}`));
  }

  // --- rendering

  #listView(): TemplateResult {
    const { texts } = this;
    return html`<h2>${texts.views.questions}</h2>
      ${loaded(this.#questions, texts, (questions) => html`
        ${this.#countsView(questions)}
        ${questions.kept_days !== 0 ? this.#keptView(questions) : this.#notKeptView(questions)}`)}`;
  }

  #countsView({ counts }: Questions): TemplateResult {
    const { texts } = this;
    const since = counts.since ? html`<p class="quiet">${fill(texts.countsSince, moment(texts, counts.since))}</p>` : nothing;
    return html`<dl class="counts">
        ${STATES.map((state) => html`<div class=${BADGES[state]}><dt>${texts.answerStates[state]}</dt><dd>${number(texts, counts[state])}</dd></div>`)}
        <div><dt>${texts.total}</dt><dd>${number(texts, counts.total)}</dd></div>
      </dl>${since}`;
  }

  #notKeptView({ how_to: howTo }: Questions): TemplateResult {
    const { texts } = this;
    return html`<section class="note"><h3>${texts.notKept}</h3><p>${texts.notKeptNote}</p>
      ${howTo ? html`<p class="quiet" dir="auto">${shown(howTo)}</p>` : nothing}</section>`;
  }

  #keptView(questions: Questions): TemplateResult {
    const { texts } = this;
    return html`<div class="row between">
        ${choice(texts.view, [["grouped", texts.grouped], ["single", texts.everyQuestion]], this.#isGrouped ? "grouped" : "single",
          (view) => {
            this.#isGrouped = view === "grouped";
            this.#reload();
          })}
        <div class="row">
          <button type="button" class="plain" @click=${() => this.#export("csv")}>${texts.exportCsv}</button>
          <button type="button" class="plain" @click=${() => this.#export("jsonl")}>${texts.exportCases}</button>
        </div>
      </div>
      ${this.#filterView()}
      ${this.#isGrouped
        ? loaded(this.#groups, texts, ({ groups }) => this.#groupsView(groups))
        : this.#questionsView(questions)}
      <p class="quiet">${questions.kept_days === null ? texts.keptWithoutLimit : plural(texts, texts.kept, questions.kept_days)}</p>`;
  }

  #filterView(): TemplateResult {
    const { texts } = this;
    const reload = (): void => this.#reload();
    const period = select(texts.since, ["7", "30", ""].map((days) => [days, labelOf(texts.periods, days)] as const), this.#days,
      (days) => { this.#days = days; reload(); });
    if (this.#isGrouped) return html`<div class="filters">${period}</div>`;
    const states = STATES.map((state) => [state, texts.answerStates[state]] as const);
    const ratings = [["up", texts.ratings.up], ["down", texts.ratings.down]] as const;
    return html`<div class="filters">${period}
      ${select<AnswerState | "">(texts.state, [["", texts.all], ...states], this.#state, (state) => { this.#state = state; reload(); })}
      ${select<Rating | "">(texts.rating, [["", texts.all], ...ratings], this.#rating, (rating) => { this.#rating = rating; reload(); })}
      ${searchField(texts.searchQuestions, this.#query, (query) => { this.#query = query; reload(); })}</div>`;
  }

  #groupsView(groups: QuestionGroup[]): Piece {
    const { texts } = this;
    if (!groups.length) return html`<p class="empty">${texts.noQuestions}</p>`;
    const columns: Column<QuestionGroup>[] = [
      { name: texts.question, cell: ({ question, ids }) => questionLink(ids[0], question) },
      { name: texts.times, isNumber: true, cell: ({ count }) => number(texts, count) },
      ...STATES.map((state) => ({ name: texts.answerStates[state], isNumber: true, cell: (group: QuestionGroup) => number(texts, group[state]) })),
      { name: `${texts.rating}: ${texts.ratings.down}`, isNumber: true, cell: ({ rated_down: down }) => number(texts, down) },
      { name: texts.lastAsked, cell: ({ last }) => moment(texts, last) },
    ];
    return table(texts.grouped, columns, groups);
  }

  #questionsView({ questions, next }: Questions): Piece {
    const { texts } = this;
    if (!questions.length) return html`<p class="empty">${texts.noQuestions}</p>`;
    const columns: Column<ListedQuestion>[] = [
      { name: texts.question, cell: ({ id, question }) => questionLink(id, question) },
      { name: texts.when, cell: ({ time }) => moment(texts, time) },
      { name: texts.state, cell: ({ state, reason }) => html`${stateBadge(texts, state)}
          ${reason ? html`<span class="from">${shown(labelOf(texts.reasons, reason))}</span>` : nothing}` },
      { name: texts.kind, cell: ({ kind }) => shown(labelOf(texts.kinds, kind)) || texts.unknown },
      { name: texts.confidence, isNumber: true, cell: ({ confidence }) => percent(texts, confidence) },
      { name: texts.rating, cell: ({ rating }) => (rating ? ratingBadge(texts, rating) : texts.unknown) },
      { name: texts.latency, isNumber: true, cell: ({ latency_ms: ms }) => duration(texts, ms) },
    ];
    return html`${table(texts.everyQuestion, columns, questions)}
      ${moreButton(this, next, this.#questions.isLoading, () => this.#more())}`;
  }
}

export function ratingBadge({ ratings }: Texts, rating: Rating): TemplateResult {
  return badge(rating === "up" ? "good" : "bad", ratings[rating] ?? shown(rating));
}

function questionLink(id: string | undefined, question: string): TemplateResult {
  if (!id) return html`<span dir="auto">${shown(question)}</span>`;
  return html`<a href="#/questions/${encodeURIComponent(id)}" dir="auto">${shown(question)}</a>`;
}

customElements.define("console-questions", QuestionsView);
