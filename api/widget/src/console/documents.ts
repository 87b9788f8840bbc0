// <console-documents>: the files of the corpus and what became of them; adds, deletes and syncs them.

import { html, nothing, type TemplateResult } from "lit";
import "./article.js";
import { filePath } from "./api.js";
import { day, languageName, number, shown, size } from "./format.js";
import { generationsView } from "./generations.js";
import { JobWatch, progressText, resultText } from "./jobs.js";
import { Loader } from "./loader.js";
import { badge, choice, type Column, fileLink, loaded, moreButton, type Piece, searchField, table } from "./parts.js";
import { fill } from "./texts/index.js";
import { Uploads } from "./uploads.js";
import { View } from "./view.js";
import { type Files, type FileState, type Generations, type Job, type ListedFile, toProgress } from "./wire.js";

const RELOAD_MS = 700;
const OPENING_MS = 3_000;
const BADGES = { indexed: "good", skipped: "bad", waiting: "warn" } as const;
const STATES = ["indexed", "skipped", "waiting"] as const;

export class DocumentsView extends View {
  readonly #files = new Loader<Files>(this, () => this.#page());
  readonly #generations = new Loader<Generations>(this, () => this.api.get("v1/generations"));
  readonly #jobs = new JobWatch(() => this.api);
  readonly #uploads = new Uploads(this, this.#jobs, () => this.#reloadSoon());
  #reloadTimer = 0;
  #query = "";
  #state: FileState | "" = "";
  #sync: Job | undefined;

  override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has("route") && !this.route.length) this.#reload();
  }

  override render(): TemplateResult {
    const { host, route } = this;
    if (route.length) return html`<console-article .host=${host} .route=${route}></console-article>`;
    return this.#listView();
  }

  #page(after?: string): Promise<Files> {
    return this.api.get("v1/files", { q: this.#query, state: this.#state, after });
  }

  #reload(): void {
    void this.#files.load();
    void this.#generations.load();
  }

  /** The service opens a new version of the index some seconds after its job has ended. */
  #reloadTwice(): void {
    this.#reload();
    clearTimeout(this.#reloadTimer);
    this.#reloadTimer = window.setTimeout(() => this.#reload(), OPENING_MS);
  }

  /** Reloads once for all the files that are indexed at about the same time. */
  #reloadSoon(): void {
    clearTimeout(this.#reloadTimer);
    this.#reloadTimer = window.setTimeout(() => this.#reload(), RELOAD_MS);
  }

  #more(): void {
    void this.#files.extend(async (files) => {
      const page = await this.#page(files.next ?? "");
      return { ...page, files: [...files.files, ...page.files] };
    });
  }

  /** Syncs the corpus; shows how far it is. */
  async #startSync(): Promise<void> {
    await this.act(async () => {
      const body = this.api.collection ? { collection: this.api.collection } : {};
      const job = await this.#jobs.follow(await this.api.post<Job>("v1/sync", body), (now) => {
        this.#sync = now;
        this.requestUpdate();
      });
      this.host.announce(resultText(this.texts, job), job.status === "failed");
    });
    this.#sync = undefined;
    this.#reloadTwice();
  }

  async #delete(file: ListedFile): Promise<void> {
    const { texts } = this;
    const name = shown(file.path);
    const confirmed = await this.host.confirm({
      title: texts.deleteFile, note: `${name} – ${texts.deleteFileNote}`, action: texts.delete,
    });
    if (!confirmed) return;
    await this.act(async () => {
      const job = await this.api.delete<Job>(`v1/files/${filePath(file.path)}`);
      this.host.announce(fill(texts.deleting, file.path));
      if (job) await this.#jobs.follow(job);
    });
    this.#reloadTwice();
  }

  // --- rendering

  #listView(): TemplateResult {
    const { texts } = this;
    const writable = this.#files.data?.writable ?? false;
    return html`<div class="row between"><h2>${texts.views.documents}</h2>
        ${writable ? this.#syncView() : nothing}</div>
      ${this.#files.data && !writable ? html`<p class="note">${texts.readOnly}</p>` : nothing}
      ${writable ? this.#uploads.render() : nothing}
      ${this.#filterView()}
      ${loaded(this.#files, texts, (files) => this.#filesView(files))}
      ${generationsView(this, this.#generations, () => this.#reload())}`;
  }

  #syncView(): TemplateResult {
    const { texts } = this;
    const sync = this.#sync;
    const { done, total } = toProgress(sync?.progress ?? null) ?? {};
    const text = sync ? progressText(texts, sync.progress) : "";
    return html`<div class="row">
      <span role="status" class="quiet">${text}</span>
      ${sync ? html`<progress aria-label=${texts.syncing} max=${total ?? nothing} value=${total ? (done ?? 0) : nothing}></progress>` : nothing}
      <button type="button" ?disabled=${sync !== undefined} @click=${() => this.#startSync()}>${sync ? texts.syncing : texts.sync}</button>
    </div>`;
  }

  #filterView(): TemplateResult {
    const { texts } = this;
    const counts = this.#files.data?.counts;
    const all = counts ? counts.indexed + counts.skipped + counts.waiting : undefined;
    const withCount = (text: string, count: number | undefined): string =>
      count === undefined ? text : `${text} ${number(texts, count)}`;
    const options = [
      ["", withCount(texts.all, all)] as const,
      ...STATES.map((state) => [state, withCount(texts.states[state], counts?.[state])] as const),
    ];
    return html`<div class="filters">
      ${choice<FileState | "">(texts.stateFilter, options, this.#state, (state) => {
        this.#state = state;
        void this.#files.load();
      })}
      ${searchField(texts.searchFiles, this.#query, (query) => {
        this.#query = query;
        void this.#files.load();
      })}
    </div>`;
  }

  #filesView({ files, next, writable }: Files): Piece {
    const { texts } = this;
    if (!files.length) {
      const isFiltered = this.#query !== "" || this.#state !== "";
      const empty = writable ? texts.noFiles : texts.noFilesReadOnly;
      return html`<p class="empty">${isFiltered ? texts.nothing : empty}</p>`;
    }
    const columns = this.#columns(writable);
    return html`${table(texts.views.documents, columns, files)}
      ${moreButton(this, next, this.#files.isLoading, () => this.#more())}`;
  }

  #columns(writable: boolean): Column<ListedFile>[] {
    const { texts } = this;
    const columns: Column<ListedFile>[] = [
      { name: texts.file, cell: (file) => fileView(file) },
      { name: texts.state, cell: (file) => html`${badge(BADGES[file.state] ?? "off", texts.states[file.state] ?? "")}${this.#causeView(file)}` },
      { name: texts.passages, isNumber: true, cell: ({ passages }) => number(texts, passages) },
      { name: texts.date, cell: ({ date, modified }) => day(texts, date ?? modified) },
      { name: texts.language, cell: ({ language }) => languageName(texts, language) },
      { name: texts.size, isNumber: true, cell: ({ bytes }) => size(texts, bytes) },
    ];
    if (writable) columns.push({ name: texts.actions, isAction: true, cell: (file) => this.#deleteView(file) });
    return columns;
  }

  #causeView({ cause, remedy }: ListedFile): Piece {
    if (!cause && !remedy) return nothing;
    return html`<p class="cause" dir="auto">${shown(cause)}${remedy ? html` <span class="quiet">${shown(remedy)}</span>` : nothing}</p>`;
  }

  #deleteView(file: ListedFile): TemplateResult {
    return html`<button type="button" class="plain" aria-label=${fill(this.texts.remove, shown(file.path))}
      @click=${() => this.#delete(file)}>${this.texts.delete}</button>`;
  }
}

/** The name of a file, which links to what became of it if it is in the index. */
function fileView({ path, title, state, source_id: id }: ListedFile): TemplateResult {
  return html`${state === "indexed" || id
    ? fileLink(path, title || path)
    : html`<span dir="auto">${shown(title || path)}</span>`}
    ${title && title !== path ? html`<span class="from" dir="auto">${shown(path)}</span>` : nothing}`;
}

customElements.define("console-documents", DocumentsView);
