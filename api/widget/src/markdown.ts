// Model output → sanitized DOM blocks. Model output is untrusted: HTML tags are shown as text, links
// and images are reduced to their text, and DOMPurify enforces the allowed elements.

import DOMPurify from "dompurify";
import { Lexer, Parser, Renderer, type Token, type Tokens } from "marked";

/** A block of the answer that renders independently; `raw` is its part of the text. */
export interface Block {
  raw: string;
  isBlank: boolean;
  render(): Node;
}

const ALLOWED_TAGS =
  "p br strong em del code pre ul ol li blockquote hr table thead tbody tr th td".split(" ");

/** The marker of a list item in a plain text; two blanks indent a level. */
const ITEM = /^( *)(?:[-*•]|\d{1,3}[.)]) (?=.)/;
const MAX_DEPTH = 3;

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

class SafeRenderer extends Renderer {
  override html({ text, block }: Tokens.HTML | Tokens.Tag): string {
    return block ? `<p>${escapeHtml(text)}</p>` : escapeHtml(text);
  }

  override link({ tokens }: Tokens.Link): string {
    return this.parser.parseInline(tokens);
  }

  override image({ text }: Tokens.Image): string {
    return escapeHtml(text);
  }

  override checkbox({ checked }: Tokens.Checkbox): string {
    return checked ? "☑ " : "☐ ";
  }

  override heading({ tokens }: Tokens.Heading): string {
    return `<p><strong>${this.parser.parseInline(tokens)}</strong></p>`;
  }
}

function renderToken(token: Token): Node {
  const unsafe = Parser.parse([token], { renderer: new SafeRenderer() });
  return DOMPurify.sanitize(unsafe, {
    ALLOWED_TAGS,
    ALLOWED_ATTR: ["start"],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
}

/** Returns the blocks of a Markdown text. */
export function markdownBlocks(text: string): Block[] {
  return Lexer.lex(text).map((token) => ({
    raw: token.raw,
    isBlank: token.type === "space" || token.type === "def",
    render: () => renderToken(token),
  }));
}

/** Returns the blocks of a plain text: its paragraphs, unchanged, each line in an element. */
export function textBlocks(text: string): Block[] {
  return (text.match(/[^]*?\n(?:[ \t]*\n)+|[^]+$/g) ?? []).map((raw) => ({
    raw,
    isBlank: !raw.trim(),
    render: () => {
      const paragraph = document.createElement("p");
      paragraph.append(...raw.trimEnd().split("\n").map(renderLine));
      return paragraph;
    },
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
