// Text of a source as a reader sees it: without the marks of Markdown, and cut between sentences.

import type { Citation } from "./wire.js";

const CONTEXT_CHARACTERS = 200;
/** About three lines of the popover. */
const SHORT_CHARACTERS = 120;
const ABBREVIATION = /(?:^|[^\p{L}])\p{Lu}\p{L}{0,2}\.\s*$/u;

/** Returns a text without heading, quote, bold, code, link and table marks. */
export function stripMarkup(text: string): string {
  return text.split("\n").filter((line) => !isTableRule(line)).map(stripLine).join("\n");
}

/** Whether a line is the one below a table's header. */
function isTableRule(line: string): boolean {
  return /^[-|:\s]+$/.test(line) && line.includes("|") && line.includes("--");
}

function stripLine(line: string): string {
  const text = line
    .replace(/^ {0,3}(?:#{1,6} |>+ ?)/, "")
    .replace(/!?\[([^[\]]*)\]\([^()\s]*\)/g, "$1")
    .replace(/(?<![A-Za-z0-9*])\*\*(?=\S)|(?<=\S)\*\*(?![A-Za-z0-9*])|`/g, "");
  const row = text.trim();
  if (!row.startsWith("|") && !row.endsWith("|")) return text;
  return row.split("|").map((cell) => cell.trim()).filter(Boolean).join(" · ");
}

/** Returns a citation's quote and the nearest sentences before and after it, each whole, with an
 * ellipsis where the source goes on. */
export function quoteInContext(citation: Citation): { before: string; quote: string; after: string } {
  const { before, quote, after, start, unit } = citation;
  const isBeforeCut = [...before].length < start;
  const isAfterCut = [...after].length >= CONTEXT_CHARACTERS;
  const preceding = sentences(before).slice(isBeforeCut ? 1 : 0);
  const following = sentences(after).slice(0, isAfterCut ? -1 : undefined);
  const head = lastSentences(preceding);
  const tail = firstSentences(following);
  return {
    before: (isBeforeCut || head.length < preceding.join("").length ? "… " : "") + head.trimStart(),
    quote: unit === "code" ? quote : stripMarkup(quote),
    after: tail.trimEnd() + (isAfterCut || tail.length < following.join("").length ? " …" : ""),
  };
}

/** Returns what precedes a quote in its paragraph: a sentence, or two short ones; at the paragraph's
 * begin a short one of the paragraph before. */
function lastSentences(all: string[]): string {
  const [last = "", previous = ""] = all.toReversed();
  if (endsParagraph(last)) return isShort(last) ? last : "";
  return !endsParagraph(previous) && isShort(previous + last) ? previous + last : last;
}

/** Returns what follows a quote in its paragraph: a sentence, or two short ones; at the paragraph's
 * end a short one of the next paragraph. */
function firstSentences(all: string[]): string {
  const [first = "", next = ""] = all;
  if (!first.trim()) return isShort(next) ? first + next : "";
  return !endsParagraph(first) && isShort(first + next) ? first + next : first;
}

const isShort = (text: string): boolean => text.length <= SHORT_CHARACTERS;
const endsParagraph = (sentence: string): boolean => /\n\s*$/.test(sentence);

/** Returns the sentences of a text without its marks, each with the blanks after it. */
function sentences(text: string): string[] {
  const found: string[] = [];
  const segmenter = new Intl.Segmenter(undefined, { granularity: "sentence" });
  for (const { segment } of segmenter.segment(stripMarkup(unwrapLines(text)))) {
    const last = found.at(-1);
    if (last && (!segment.trim() || ABBREVIATION.test(last))) found[found.length - 1] = last + segment;
    else found.push(segment);
  }
  return found;
}

/** Joins the lines that a sentence is wrapped over; headings, list items and table rows stay lines. */
function unwrapLines(text: string): string {
  return text
    .replace(/^(#{1,6} .*)\n(?=\S)/gm, "$1\n\n")
    .replace(/([^\n|.!?:;。！？])\n(?!\d{1,3}[.)] )(?=[\p{L}\p{N}("'“«])/gu, "$1 ");
}
