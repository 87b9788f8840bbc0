// <console-article>: what a file became: its text beside its passages, each with its units (sentences,
// rows, items).

import { html, nothing, type TemplateResult } from "lit";
import { ApiError, filePath } from "./api.js";
import { number, shown } from "./format.js";
import { Loader } from "./loader.js";
import { loaded, moreButton, ownLink, type Piece } from "./parts.js";
import { fill, plural } from "./texts/index.js";
import { View } from "./view.js";
import type { FilePassage, FilePassages } from "./wire.js";

/** Characters of a file's text that are shown beside its passages. */
const MAX_TEXT = 200_000;

export class ArticleView extends View {
  readonly #file = new Loader<FilePassages>(this, () => this.#page());
  readonly #text = new Loader<string>(this, () => this.#originalText());

  override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has("route")) void this.#load();
  }

  async #load(): Promise<void> {
    await this.#file.load(true);
    if (this.#file.data) await this.#text.load(true);
  }

  async #page(after?: string): Promise<FilePassages> {
    return this.api.get(`v1/files/${filePath(this.route.join("/"))}/passages`, { after });
  }

  #more(): void {
    void this.#file.extend(async (file) => {
      const page = await this.#page(file.next ?? "");
      return { ...page, passages: [...file.passages, ...page.passages] };
    });
  }

  /** Returns the text of the file as far as it is shown. */
  async #originalText(): Promise<string> {
    const { source, text_length: length } = this.#file.data as FilePassages;
    if (!length) return "";
    const params = { start: 0, end: Math.min(length, MAX_TEXT) };
    try {
      return await this.api.text(`v1/sources/${encodeURIComponent(source.id)}/text`, params);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 403)) throw error;
      throw new ApiError(403, "no_read_scope", error.detail); // the rest of the page needs no such key
    }
  }

  // --- rendering

  override render(): TemplateResult {
    return html`<p><a href="#/documents">← ${this.texts.back}</a></p>
      ${loaded(this.#file, this.texts, (file) => this.#fileView(file))}`;
  }

  #fileView(file: FilePassages): TemplateResult {
    const { texts } = this;
    const { source, passages, notes, next, text_length: length } = file;
    return html`<h2 dir="auto">${shown(source.title)}</h2>
      <p class="quiet" dir="auto">${shown(source.source)} · ${plural(texts, texts.characters, length)} ·
        ${ownLink(this, source.url, texts.openView)}</p>
      ${notes.length ? html`<div class="note"><strong>${texts.notes}</strong>
        <ul class="list">${notes.map((note) => html`<li dir="auto">${shown(note)}</li>`)}</ul></div>` : nothing}
      <div class="beside">
        <section><h3 id="original-title">${texts.original}</h3>
          <div class="scroll" tabindex="0" role="region" aria-labelledby="original-title">
            ${loaded(this.#text, texts, (text) => this.#textView(file, text))}</div></section>
        <section><h3 id="passages-title">${texts.asIndexed}
            <span class="quiet">${plural(texts, texts.fileSummary, passages.length)}${next ? " +" : ""}</span></h3>
          <div class="scroll" tabindex="0" role="region" aria-labelledby="passages-title">${passages.length
            ? html`<ol class="passages">${passages.map((passage, at) => this.#passageView(passage, at))}</ol>`
            : html`<p class="empty">${texts.noPassages}</p>`}
            ${moreButton(this, next, this.#file.isLoading, () => this.#more())}</div></section>
      </div>`;
  }

  #textView({ text_length: length, passages }: FilePassages, text: string): Piece {
    const { texts } = this;
    return html`<div class="text" dir="auto">${numberedText(text, passages)}</div>
      ${length > MAX_TEXT ? html`<p class="quiet">${fill(texts.textCut, number(texts, MAX_TEXT))}</p>` : nothing}`;
  }

  #passageView({ heading, page, start, end, text, units }: FilePassage, at: number): TemplateResult {
    const { texts } = this;
    const place = [heading, page === null ? "" : fill(texts.pageNumber, page)].filter(Boolean).join(" · ");
    const show = (): void => this.querySelector(`#text-${at + 1}`)?.scrollIntoView({ block: "center" });
    const parts = units.length ? units : [{ kind: "", text }];
    return html`<li><div class="row between">
        <button type="button" class="mark" aria-label="${texts.original}: ${at + 1}" @click=${show}>${at + 1}</button>
        <span class="from" dir="auto">${shown(place)}</span> <span class="quiet">${start}–${end}</span></div>
      <ul class="units" aria-label=${texts.passageText}>${parts.map((unit) =>
        html`<li>${unit.kind ? html`<span class="unit-kind">${shown(unit.kind)}</span> ` : nothing}<span dir="auto">${shown(unit.text)}</span></li>`)}</ul></li>`;
  }
}

/** Returns the text with the number of each passage where it begins; offsets count code points. */
function numberedText(text: string, passages: FilePassage[]): TemplateResult[] {
  const characters = [...text];
  const slice = (from: number, to?: number): string => shown(characters.slice(from, to).join(""));
  let from = 0;
  const pieces = passages.map(({ start }, at) => {
    const to = Math.max(start, from);
    const piece = html`${slice(from, to)}<span class="mark" id="text-${at + 1}">${at + 1}</span>`;
    from = to;
    return piece;
  });
  return [...pieces, html`${slice(from)}`];
}

customElements.define("console-article", ArticleView);
