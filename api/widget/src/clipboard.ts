// The clipboard text of an answer.

import type { Answer, Citation } from "./wire.js";

export interface CopyOptions {
  sourcesHeading: string;
  location(citation: Citation): string;
  viewUrl(citation: Citation): string | undefined;
}

/** Returns the answer followed by the sources of its citations. */
export function clipboardText(answer: Answer, { sourcesHeading, location, viewUrl }: CopyOptions): string {
  const sources = answer.citations.map((citation) => {
    const origin = [citation.title, citation.source, location(citation)].filter(Boolean);
    return `[${citation.n}] ${origin.join(", ")}: “${citation.quote}” ${viewUrl(citation) ?? ""}`.trim();
  });
  return answer.answer + (sources.length ? `\n\n${sourcesHeading}\n${sources.join("\n")}` : "");
}
