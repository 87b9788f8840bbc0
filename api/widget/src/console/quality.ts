// <console-quality>: evaluation runs with their intervals; starts one, and compares two.

import { html, nothing, type TemplateResult } from "lit";
import { saveFile } from "./api.js";
import { comparisonView } from "./comparison.js";
import { evaluationView } from "./evaluation.js";
import { moment, number, shown } from "./format.js";
import { intervalView } from "./intervals.js";
import { Loader } from "./loader.js";
import { badge, type Column, loaded, type Piece, table } from "./parts.js";
import { labelOf, plural } from "./texts/index.js";
import { poll, View } from "./view.js";
import type { Comparison, Evaluation, EvaluationDetail, MetricValue } from "./wire.js";

type CaseSet = "kept" | "drafted";

const HEADLINE = "answer_cited";
const POLL_MS = 2_500;
const BADGES = { running: "warn", done: "good", failed: "bad" } as const;

export class QualityView extends View {
  readonly #runs = new Loader<{ evaluations: Evaluation[] }>(this, () => this.api.get("v1/evaluations"));
  readonly #cases = new Loader<{ cases: number }>(this, () => this.api.get("v1/cases"));
  readonly #comparison = new Loader<Comparison>(this, () =>
    this.api.get("v1/evaluations/compare", { before: this.route[1], after: this.route[2] }));
  readonly #evaluation = new Loader<EvaluationDetail>(this, () =>
    this.api.get(`v1/evaluations/${encodeURIComponent(this.route[1] ?? "")}`));
  #isPolling = false;
  #caseSet: CaseSet | undefined;

  override willUpdate(changed: Map<string, unknown>): void {
    if (!changed.has("route")) return;
    if (this.route[0] === "compare") void this.#comparison.load(true);
    else if (this.route[0] === "run") void this.#evaluation.load(true);
    else void Promise.all([this.#runs.load(), this.#cases.load()]).then(() => this.#pollRuns());
  }

  override render(): TemplateResult {
    if (this.route[0] === "compare") return comparisonView(this, this.#comparison);
    if (this.route[0] === "run") return evaluationView(this, this.#evaluation);
    const { texts } = this;
    return html`<h2>${texts.views.quality}</h2>
      ${loaded(this.#cases, texts, ({ cases }) => this.#startView(cases))}
      ${loaded(this.#runs, texts, ({ evaluations }) => this.#runsView(evaluations))}`;
  }

  /** Loads the runs again and again while one of them is running. */
  async #pollRuns(): Promise<void> {
    const isRunning = (): boolean => this.#runs.data?.evaluations.some(({ status }) => status === "running") ?? false;
    if (this.#isPolling || !isRunning()) return;
    this.#isPolling = true;
    await poll(this, POLL_MS, async () => {
      await this.#runs.load();
      return isRunning();
    });
    this.#isPolling = false;
  }

  async #start(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const label = String(new FormData(form).get("label") ?? "").trim();
    const cases = String(new FormData(form).get("cases"));
    const { collection } = this.api;
    const body = { cases, ...(label && { label }), ...(collection && { collection }) };
    if (await this.act(async () => void (await this.api.post("v1/evaluations", body)))) form.reset();
    await this.#runs.load();
    void this.#pollRuns();
  }

  async #saveReport({ id }: Evaluation): Promise<void> {
    const path = `v1/evaluations/${encodeURIComponent(id)}/report`;
    await this.act(async () => saveFile(await this.api.blob(path), `evaluation-${id}.html`));
  }

  #compare(event: SubmitEvent): void {
    event.preventDefault();
    const fields = new FormData(event.target as HTMLFormElement);
    const [before, after] = [fields.get("before"), fields.get("after")].map((id) => encodeURIComponent(String(id)));
    location.hash = `#/quality/compare/${before}/${after}`;
  }

  // --- rendering

  #startView(cases: number): TemplateResult {
    const { texts } = this;
    const current = this.#caseSet ?? (cases ? "kept" : "drafted");
    return html`<section class="card" aria-labelledby="start-title"><h3 id="start-title">${texts.start}</h3>
      <p class="quiet">${cases ? plural(texts, texts.keptCases, cases) : texts.noCases}</p>
      <form class="row" @submit=${(event: SubmitEvent) => this.#start(event)}>
        <label class="field">${texts.caseSet}<select name="cases" @change=${(event: Event) => {
          this.#caseSet = (event.target as HTMLSelectElement).value as CaseSet;
        }}>${(["kept", "drafted"] as const).map((set) => html`<option value=${set} ?selected=${set === current}
          ?disabled=${set === "kept" && !cases}>${texts.caseSets[set]}</option>`)}</select></label>
        <label class="field">${texts.label}<input name="label" maxlength="200" autocomplete="off" dir="auto"></label>
        <button type="submit">${texts.run}</button>
      </form></section>`;
  }

  #runsView(runs: Evaluation[]): Piece {
    const { texts } = this;
    if (!runs.length) return html`<p class="empty">${texts.noRuns}</p>`;
    const columns: Column<Evaluation>[] = [
      { name: texts.keyName, cell: (run) => html`<a href="#/quality/run/${encodeURIComponent(run.id)}" dir="auto">${shown(run.label) || shown(run.id)}</a>
          <span class="from">${moment(texts, run.time)}</span>` },
      { name: texts.state, cell: (run) => this.#stateView(run) },
      { name: texts.caseSet, isNumber: true, cell: ({ cases }) => number(texts, cases) },
      { name: labelOf(texts.metrics, HEADLINE), cell: ({ metrics }) => this.#metricView(metrics[HEADLINE]) },
      { name: texts.actions, isAction: true, cell: (run) => run.status !== "done" ? nothing : html`<button type="button" class="plain"
          aria-label="${texts.report}: ${shown(run.label) || run.id}" @click=${() => this.#saveReport(run)}>${texts.report}</button>` },
    ];
    return html`<section aria-labelledby="runs-title"><h3 id="runs-title">${texts.runs}</h3>
      ${table(texts.runs, columns, runs)}
      <p class="quiet">${texts.intervalNote}</p>
      ${this.#compareView(runs.filter(({ status }) => status === "done"))}</section>`;
  }

  #stateView({ status, progress, error }: Evaluation): TemplateResult {
    const { texts } = this;
    const isRunning = status === "running" && progress;
    return html`${badge(BADGES[status] ?? "off", texts.runStates[status] ?? shown(status))}
      ${isRunning ? html`<progress aria-label=${texts.running} max=${progress.total || 1} value=${progress.done}></progress>
        <span class="quiet">${number(texts, progress.done)} / ${number(texts, progress.total)}</span>` : nothing}
      ${error ? html`<p class="cause" dir="auto">${shown(error)}</p>` : nothing}`;
  }

  #metricView(metric: MetricValue | undefined): Piece | string {
    return metric ? intervalView(this.texts, metric) : this.texts.unknown;
  }

  #compareView(runs: Evaluation[]): TemplateResult {
    const { texts } = this;
    if (runs.length < 2) return html`<p class="quiet">${texts.chooseTwo}</p>`;
    const name = ({ label, id, time }: Evaluation): string => `${shown(label) || shown(id)} · ${moment(texts, time)}`;
    const field = (field: string, label: string, at: number): TemplateResult =>
      html`<label class="field">${label}<select name=${field}>${runs.map((run, index) =>
        html`<option value=${run.id} ?selected=${index === at}>${name(run)}</option>`)}</select></label>`;
    return html`<form class="row" @submit=${(event: SubmitEvent) => this.#compare(event)}>
      ${field("before", texts.before, 1)} ${field("after", texts.after, 0)}
      <button type="submit">${texts.compare}</button></form>`;
  }
}

customElements.define("console-quality", QualityView);
