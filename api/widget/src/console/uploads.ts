// Adds documents: files and folders by drop or picker, and web pages by their address. Each is sent
// after the other, and followed until the index contains it.

import { html, nothing, type TemplateResult } from "lit";
import { filePath } from "./api.js";
import { type ChosenFile, droppedFiles, pickedFiles } from "./dropped.js";
import { shown } from "./format.js";
import { type JobWatch, progressText } from "./jobs.js";
import { toApiError } from "./loader.js";
import { badge, type Piece } from "./parts.js";
import type { Texts } from "./texts/index.js";
import { errorText, type View } from "./view.js";
import type { Job } from "./wire.js";

type UploadState = keyof Texts["uploadStates"];

interface Upload {
  name: string;
  state: UploadState;
  detail: string;
}

const BADGES = { done: "good", failed: "bad", skipped: "warn", sending: "off", queued: "off", running: "off" } as const;

export class Uploads {
  #uploads: Upload[] = [];
  #isOver = false;
  #queue: Promise<void> = Promise.resolve();

  constructor(
    private readonly view: View,
    private readonly jobs: JobWatch,
    /** Called when the index contains something new. */
    private readonly onIndexed: () => void,
  ) {}

  /** Sends files one after the other, after those that are under way. */
  sendFiles(files: ChosenFile[]): void {
    for (const { path, file } of files) {
      const upload = this.#add(path);
      this.#enqueue(upload, async () => [await this.view.api.put<Job>(`v1/files/${filePath(path)}`, file)]);
    }
  }

  sendUrl(url: string): void {
    const upload = this.#add(url);
    this.#enqueue(upload, async () => (await this.view.api.post<{ jobs: Job[] }>("v1/files", { url })).jobs);
  }

  #add(name: string): Upload {
    const upload: Upload = { name, state: "sending", detail: "" };
    this.#uploads = [upload, ...this.#uploads];
    this.view.requestUpdate();
    return upload;
  }

  #enqueue(upload: Upload, send: () => Promise<Job[]>): void {
    this.#queue = this.#queue.then(async () => {
      try {
        for (const job of await send()) void this.#follow(upload, job); // the next is sent meanwhile
      } catch (error) {
        this.#fail(upload, error);
      }
    });
  }

  async #follow(upload: Upload, job: Job): Promise<void> {
    const { texts } = this.view;
    try {
      const done = await this.jobs.follow(job, ({ status, progress, path }) => {
        this.#set(upload, status, status === "running" ? progressText(texts, progress) : (path ?? ""));
      });
      const skipped = done.report?.skipped.find(({ path }) => path === done.path);
      if (done.status === "failed") this.#set(upload, "failed", done.error?.detail ?? "");
      else if (skipped) this.#set(upload, "skipped", skipped.cause);
      this.onIndexed();
    } catch (error) {
      this.#fail(upload, error);
    }
  }

  #fail(upload: Upload, error: unknown): void {
    const failure = toApiError(error);
    this.#set(upload, "failed", errorText(failure, this.view.texts));
    if (failure.status === 401) this.view.onRefused(failure);
  }

  #set(upload: Upload, state: UploadState, detail: string): void {
    Object.assign(upload, { state, detail });
    this.view.requestUpdate();
  }

  // --- rendering

  render(): TemplateResult {
    const { texts } = this.view;
    return html`<section class="card adding" aria-labelledby="add-title">
      <h3 id="add-title">${texts.addTitle}</h3>
      <div class=${this.#isOver ? "drop over" : "drop"} @dragover=${this.#onDragOver} @dragleave=${this.#onDragLeave}
        @drop=${this.#onDrop}>
        <span>${texts.dropHere}</span>
        ${this.#picker("pick-files", texts.chooseFiles, false)} ${this.#picker("pick-folder", texts.chooseFolder, true)}
      </div>
      <form class="row" @submit=${this.#onUrl}>
        <label class="field wide">${texts.addUrl}
          <input type="url" name="url" required maxlength="2000" pattern="https?://.*" placeholder="https://"></label>
        <button type="submit">${texts.add}</button>
      </form>
      ${this.#uploads.length ? this.#listView() : nothing}
    </section>`;
  }

  /** A button that opens the picker of an input, which the page does not show. */
  #picker(id: string, label: string, isFolder: boolean): TemplateResult {
    const open = (): void => this.view.querySelector<HTMLInputElement>(`#${id}`)?.click();
    const change = (event: Event): void => {
      const input = event.target as HTMLInputElement;
      this.sendFiles(pickedFiles(input.files));
      input.value = "";
    };
    return html`<button type="button" class="plain" @click=${open}>${label}</button>
      <input id=${id} type="file" hidden multiple aria-label=${label} ?webkitdirectory=${isFolder} @change=${change}>`;
  }

  #listView(): TemplateResult {
    const { texts } = this.view;
    const clear = (): void => {
      this.#uploads = this.#uploads.filter(({ state }) => ["sending", "queued", "running"].includes(state));
      this.view.requestUpdate();
    };
    return html`<div class="uploads"><div class="row between"><h4>${texts.uploads}</h4>
        <button type="button" class="plain" @click=${clear}>${texts.clearUploads}</button></div>
      <ul role="status">${this.#uploads.map((upload) => this.#uploadView(upload))}</ul></div>`;
  }

  #uploadView({ name, state, detail }: Upload): Piece {
    return html`<li>${badge(BADGES[state], this.view.texts.uploadStates[state])}
      <span dir="auto">${shown(name)}</span>
      ${detail && detail !== name ? html`<span class="quiet" dir="auto">${shown(detail)}</span>` : nothing}</li>`;
  }

  // --- events

  readonly #onUrl = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const url = new FormData(form).get("url");
    if (typeof url === "string") this.sendUrl(url.trim());
    form.reset();
  };

  readonly #onDragOver = (event: DragEvent): void => {
    event.preventDefault();
    this.#over(true);
  };

  readonly #onDragLeave = (): void => this.#over(false);

  readonly #onDrop = (event: DragEvent): void => {
    event.preventDefault();
    this.#over(false);
    if (event.dataTransfer) void droppedFiles(event.dataTransfer).then((files) => this.sendFiles(files));
  };

  #over(isOver: boolean): void {
    if (isOver === this.#isOver) return;
    this.#isOver = isOver;
    this.view.requestUpdate();
  }
}
