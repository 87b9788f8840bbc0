// Small pieces that the views share: states of a list, badges, tables that become cards on a phone,
// filters, and a button that copies.

import { html, nothing, type TemplateResult } from "lit";
import type { View as Piece } from "../source-view.js";
import { shown } from "./format.js";
import type { Loader } from "./loader.js";
import type { Texts } from "./texts/index.js";
import { errorText, type View } from "./view.js";

export type { Piece };
export type Cell = Piece | string;

/** Shows what a loader has: its data, its error with a button to try again, or that it is loading. */
export function loaded<T>(loader: Loader<T>, texts: Texts, show: (data: T) => Piece): Piece {
  const { data, error } = loader;
  const retry = (): void => void loader.load();
  return html`${error
    ? html`<p class="note" role="alert">${shown(errorText(error, texts))}
        <button type="button" class="plain" @click=${retry}>${texts.retry}</button></p>`
    : nothing}
  ${data !== undefined ? show(data) : error ? nothing : html`<p class="quiet waiting" role="status">${texts.loading}</p>`}`;
}

/** A state that a color and a mark tell apart, the word in any case. */
export function badge(kind: "good" | "bad" | "warn" | "off", text: string): TemplateResult {
  return html`<span class="badge ${kind}">${text}</span>`;
}

export interface Column<T> {
  name: string;
  /** Whether the column's values are numbers, which are aligned at the end. */
  isNumber?: boolean;
  /** Whether the column holds buttons, which say themselves what they do. */
  isAction?: boolean;
  cell(row: T): Cell;
}

/** A table; on a phone each row is a card, its cells named by `data-name`. */
export function table<T>(label: string, columns: Column<T>[], rows: T[]): TemplateResult {
  const cellView = (column: Column<T>, row: T, isFirst: boolean): TemplateResult => {
    const name = column.isNumber ? "number" : nothing;
    return isFirst
      ? html`<th role="rowheader" scope="row">${column.cell(row)}</th>`
      : html`<td role="cell" class=${name} data-name=${column.isAction ? nothing : column.name}>${column.cell(row)}</td>`;
  };
  return html`<table role="table" aria-label=${label}>
    <thead role="rowgroup"><tr role="row">${columns.map(({ name, isNumber }) =>
      html`<th role="columnheader" scope="col" class=${isNumber ? "number" : nothing}>${name}</th>`)}</tr></thead>
    <tbody role="rowgroup">${rows.map((row) =>
      html`<tr role="row">${columns.map((column, at) => cellView(column, row, at === 0))}</tr>`)}</tbody>
  </table>`;
}

/** Buttons of which one is pressed. */
export function choice<T extends string>(
  label: string, options: readonly (readonly [T, string])[], current: T, choose: (value: T) => void,
): TemplateResult {
  return html`<div class="choice" role="group" aria-label=${label}>${options.map(
    ([value, text]) => html`<button type="button" class="plain" aria-pressed=${value === current}
      @click=${() => choose(value)}>${text}</button>`)}</div>`;
}

export function select<T extends string>(
  label: string, options: readonly (readonly [T, string])[], current: T, choose: (value: T) => void,
): TemplateResult {
  const change = (event: Event): void => choose((event.target as HTMLSelectElement).value as T);
  return html`<label class="field">${label}<select @change=${change}>${options.map(
    ([value, text]) => html`<option value=${value} ?selected=${value === current}>${text}</option>`)}</select></label>`;
}

const SEARCH_DELAY_MS = 300;

/** A search field that reports its text once the reader pauses. */
export function searchField(label: string, value: string, search: (text: string) => void): TemplateResult {
  let timer = 0;
  const input = (event: Event): void => {
    const { value: text } = event.target as HTMLInputElement;
    clearTimeout(timer);
    timer = window.setTimeout(() => search(text.trim()), SEARCH_DELAY_MS);
  };
  return html`<label class="field wide">${label}
    <input type="search" maxlength="200" value=${value} @input=${input}></label>`;
}

export function moreButton(view: View, next: string | null, isLoading: boolean, more: () => void): Piece {
  if (next === null) return nothing;
  return html`<button type="button" class="plain" ?disabled=${isLoading} @click=${more}>${view.texts.more}</button>`;
}

/** A text to copy, and the button that does. */
export function copyable(view: View, text: string, label: string): TemplateResult {
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    view.host.announce(view.texts.copied);
  };
  return html`<div class="copyable"><pre tabindex="0" aria-label=${label}>${shown(text)}</pre>
    <button type="button" class="plain" aria-label="${view.texts.copy}: ${label}"
      @click=${() => view.act(copy)}>${view.texts.copy}</button></div>`;
}

/** Facts as names and values; those without a value are left out. */
export function facts(pairs: [string, Cell | null | undefined][]): TemplateResult {
  return html`<dl class="facts">${pairs.filter(([, value]) => value !== null && value !== undefined && value !== "").map(
    ([name, value]) => html`<div><dt>${name}</dt><dd dir="auto">${value}</dd></div>`)}</dl>`;
}

/** A link to what became of a file. */
export function fileLink(path: string, name = path): TemplateResult {
  const address = path.split("/").map(encodeURIComponent).join("/");
  return html`<a href="#/documents/${address}" dir="auto">${shown(name)}</a>`;
}

/** A link to a page of this service only: anything else is shown as text. */
export function ownLink(view: View, url: string | null | undefined, text: string): TemplateResult {
  const resolved = URL.parse(url?.startsWith("/v1/") ? url.slice(1) : (url ?? ""), view.api.root);
  const sources = new URL("v1/sources/", view.api.root).href;
  if (!url || !resolved?.href.startsWith(sources)) return html`<span dir="auto">${shown(text)}</span>`;
  return html`<a href=${resolved.href} target="_blank" rel="noopener" dir="auto" title=${view.texts.newTab}>${shown(text)}</a>`;
}
