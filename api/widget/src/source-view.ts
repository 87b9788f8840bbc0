// What the lists and the popover show of a source: its date and place, and a link to the page that it
// is a copy of.

import { html, nothing, type TemplateResult } from "lit";
import { escapeHidden } from "./escape.js";
import { formatDate, formatLocation, type Strings } from "./strings.js";
import type { Citation, Passage } from "./wire.js";

export type View = TemplateResult | typeof nothing;

export function placeView(source: Passage | Citation, strings: Strings): TemplateResult {
  const { date, source: path, heading } = source;
  const place = [formatDate(strings, date), path, heading, formatLocation(strings, source)];
  return html`<span class="from" dir="auto">${escapeHidden(place.filter(Boolean).join(" · "))}</span>`;
}

/** Returns the link to the page that the source is a copy of; none unless its address is of the web. */
export function originalView({ source_url }: Citation, strings: Strings): View {
  const url = URL.parse(source_url ?? "");
  if (!url || !/^https?:$/.test(url.protocol)) return nothing;
  return html`<a href=${url.href} target="_blank" rel="noopener noreferrer"
    title=${strings.newTab}>${strings.originalPage}</a>`;
}
