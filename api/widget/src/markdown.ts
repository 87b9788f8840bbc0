// Model output → DOM blocks. Model output is untrusted: its elements are made one by one from the
// tokens of the Markdown lexer, and no HTML is ever parsed. HTML tags are shown as text, links and
// images are reduced to their text.

import { Lexer, type MarkedToken, type Token, type Tokens } from "marked";
import { isHidden } from "./escape.js";

/** A block of the answer that renders independently; `raw` is its part of the text. */
export interface Block {
  raw: string;
  isBlank: boolean;
  render(): Node;
}

/** The marker of a list item in a plain text; two blanks indent a level. */
const ITEM = /^( *)(?:[-*•]|\d{1,3}[.)]) (?=.)/;
const MAX_DEPTH = 3;

/** Entities that models write; any other one is shown as it is written. */
const ENTITIES: Record<string, string> = {
  amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0",
  ndash: "–", mdash: "—", hellip: "…", euro: "€", times: "×", copy: "©", middot: "·",
};

function decodeEntity(entity: string, name: string): string {
  if (name[0] !== "#") return ENTITIES[name] ?? entity;
  const codePoint = Number(name.slice(1).replace(/^x/i, "0x"));
  const character = codePoint <= 0x10ffff ? String.fromCodePoint(codePoint) : "";
  return character && !isHidden(character) ? character : entity;
}

const decodeEntities = (text: string): string => text.replace(/&(#\d{1,7}|#[xX][\da-fA-F]{1,6}|[a-z]+);/g, decodeEntity);

function element(name: string, children: (Node | string)[]): HTMLElement {
  const created = document.createElement(name);
  created.append(...children);
  return created;
}

const renderAll = (tokens: Token[]): (Node | string)[] => tokens.map((token) => renderToken(token as MarkedToken));

function renderList({ ordered, start, items }: Tokens.List): HTMLElement {
  const list = element(ordered ? "ol" : "ul", items.map((item) => element("li", renderAll(item.tokens))));
  if (ordered && start !== 1) list.setAttribute("start", String(start));
  return list;
}

function renderTable({ header, rows }: Tokens.Table): HTMLElement {
  const row = (name: string, cells: Tokens.TableCell[]): HTMLElement =>
    element("tr", cells.map(({ tokens }) => element(name, renderAll(tokens))));
  const body = element("tbody", rows.map((cells) => row("td", cells)));
  return element("table", [element("thead", [row("th", header)]), body]);
}

function renderToken(token: MarkedToken): Node | string {
  switch (token.type) {
    case "paragraph":
      return element("p", renderAll(token.tokens));
    case "heading":
      return element("p", [element("strong", renderAll(token.tokens))]);
    case "blockquote":
    case "strong":
    case "em":
    case "del":
      return element(token.type, renderAll(token.tokens));
    case "br":
    case "hr":
      return element(token.type, []);
    case "list":
      return renderList(token);
    case "table":
      return renderTable(token);
    case "code":
      return element("pre", [element("code", [token.text])]);
    case "codespan":
      return element("code", [token.text]);
    case "checkbox":
      return token.checked ? "☑ " : "☐ ";
    case "html":
      return token.block ? element("p", [token.text]) : token.text;
    case "image":
      return token.text;
    case "space":
    case "def":
      return "";
    default:
      return renderText(token);
  }
}

/** Renders a link or text as the tokens that it consists of, or else as its text: the raw one, for the
 * lexer's own decodes what hides or reorders characters, too. */
function renderText(token: Tokens.Link | Tokens.Text | Tokens.Escape | Tokens.ListItem): Node | string {
  if (!("tokens" in token) || !token.tokens) return decodeEntities(token.type === "text" ? token.raw : token.text);
  return fragmentOf(token.tokens);
}

function fragmentOf(tokens: Token[]): DocumentFragment {
  const fragment = document.createDocumentFragment();
  fragment.append(...renderAll(tokens));
  return fragment;
}

/** Returns the blocks of a Markdown text. */
export function markdownBlocks(text: string): Block[] {
  return Lexer.lex(text).map((token) => ({
    raw: token.raw,
    isBlank: token.type === "space" || token.type === "def",
    render: () => fragmentOf([token]),
  }));
}

/** Returns the blocks of a plain text: its paragraphs, unchanged, each line in an element. */
export function textBlocks(text: string): Block[] {
  return (text.match(/[^]*?\n(?:[ \t]*\n)+|[^]+$/g) ?? []).map((raw) => ({
    raw,
    isBlank: !raw.trim(),
    render: () => element("p", raw.trimEnd().split("\n").map(renderLine)),
  }));
}

/** Renders a line of a plain text; the marker of a list item has an element, so that the lines that
 * the item wraps to begin under its text. */
function renderLine(text: string): HTMLElement {
  const line = document.createElement("span");
  const [item = "", indent = ""] = ITEM.exec(text) ?? [];
  line.className = item ? `line item depth${Math.min(indent.length >> 1, MAX_DEPTH)}` : "line";
  if (item) {
    const marker = document.createElement("span");
    marker.className = "marker";
    marker.textContent = item;
    line.append(marker);
  }
  line.append(text.slice(item.length) || (item ? "" : "\n"));
  return line;
}

/** Returns partial Markdown ready to render: without an incomplete marker at its end, and with an
 * open code span or bold text closed. */
export function completeMarkdown(text: string): string {
  const stable = text.replace(/(^|\n)[ \t]*[-=+*_#>`~|\d.)(: ]*$/, "").replace(/[*_`~]+$/, "");
  if (/(^|\n)[ \t]*(```|~~~)/.test(stable)) return stable;
  const backticks = (stable.match(/`/g) ?? []).length;
  if (backticks % 2) return `${stable}\``;
  const boldMarkers = (stable.match(/\*\*/g) ?? []).length;
  return boldMarkers % 2 ? `${stable}**` : stable;
}
