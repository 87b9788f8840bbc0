// A model's markdown → blocks of DOM from a short list of elements. Whatever the model wrote is
// hostile: tags become text, links and pictures keep only their words, DOMPurify guards the rest.

import DOMPurify from "dompurify";
import { Lexer, Parser, Renderer, type Token, type Tokens } from "marked";

/** A piece of the answer that is drawn by itself; `raw` is its part of the text. */
export interface Block {
  raw: string;
  blank: boolean;
  draw(): Node;
}

const TAGS =
  "p br strong em del code pre ul ol li blockquote hr table thead tbody tr th td".split(" ");

const html = (text: string): string =>
  text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

class Plain extends Renderer {
  override html({ text, block }: Tokens.HTML | Tokens.Tag): string {
    return block ? `<p>${html(text)}</p>` : html(text);
  }

  override link({ tokens }: Tokens.Link): string {
    return this.parser.parseInline(tokens);
  }

  override image({ text }: Tokens.Image): string {
    return html(text);
  }

  override checkbox({ checked }: Tokens.Checkbox): string {
    return checked ? "☑ " : "☐ ";
  }

  override heading({ tokens }: Tokens.Heading): string {
    return `<p><strong>${this.parser.parseInline(tokens)}</strong></p>`;
  }
}

function drawn(token: Token): Node {
  const unsafe = Parser.parse([token], { renderer: new Plain() });
  return DOMPurify.sanitize(unsafe, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ["start"],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
}

/** Returns the blocks of a markdown text. */
export function markdownBlocks(text: string): Block[] {
  return Lexer.lex(text).map((token) => ({
    raw: token.raw,
    blank: token.type === "space" || token.type === "def",
    draw: () => drawn(token),
  }));
}

/** Returns the blocks of a plain text: its paragraphs, as they are. */
export function textBlocks(text: string): Block[] {
  return (text.match(/[^]*?\n[ \t]*\n\s*|[^]+$/g) ?? []).map((raw) => ({
    raw,
    blank: !raw.trim(),
    draw: () => {
      const paragraph = document.createElement("p");
      paragraph.textContent = raw.trimEnd();
      return paragraph;
    },
  }));
}

/** Returns an unfinished text as it probably goes on: half a sign is held back, what is open closed. */
export function healed(text: string): string {
  const held = text.replace(/(^|\n)[ \t]*[-=+*_#>`~|\d.)(: ]*$/, "").replace(/[*_`~]+$/, "");
  if (/(^|\n)[ \t]*(```|~~~)/.test(held)) return held;
  const ticks = (held.match(/`/g) ?? []).length;
  if (ticks % 2) return `${held}\``;
  const bold = (held.match(/\*\*/g) ?? []).length;
  return bold % 2 ? `${held}**` : held;
}
