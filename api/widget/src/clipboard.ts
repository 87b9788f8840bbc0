// The clipboard text of an answer.

import { formatDate, formatLocation, type Strings } from "./strings.js";
import type { Answer, Citation } from "./wire.js";

export interface CopyOptions {
  strings: Strings;
  viewUrl(citation: Citation): string | undefined;
}

/** Returns the answer followed by the sources of its citations. */
export function clipboardText(answer: Answer, { strings, viewUrl }: CopyOptions): string {
  const sources = answer.citations.map((citation) => {
    const { title, date, source } = citation;
    const origin = [title, formatDate(strings, date), source, formatLocation(strings, citation)];
    return `[${citation.n}] ${origin.filter(Boolean).join(", ")}: “${citation.quote}” ${viewUrl(citation) ?? ""}`.trim();
  });
  return answer.answer + (sources.length ? `\n\n${strings.sources}\n${sources.join("\n")}` : "");
}
