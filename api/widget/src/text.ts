// Text from anywhere → text that shows what it holds, and where a character of it went.

/** Invisible and steering characters; joiners and the soft hyphen stay, as in api/screen.py. */
const HIDDEN = /(?![\n\t\u00ad\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const ALL_HIDDEN = new RegExp(HIDDEN, "gu");

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

/** Returns `text` with each character that would hide or reorder something as an escape. */
export function screen(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(ALL_HIDDEN, escaped);
}

/** A text that grows, screened; the server's offsets into it become offsets into what is shown. */
export class Screened {
  raw = "";
  shown = "";
  private points = 0;
  private at = 0;
  private unit = 0;

  push(text: string): void {
    const held = this.raw.endsWith("\r") ? "\r" : "";
    this.raw += text;
    const fresh = held + text;
    this.shown += screen(fresh.endsWith("\r") ? fresh.slice(0, -1) : fresh);
  }

  /** Returns where the code point with this number is shown; quick when asked in rising order. */
  offset(points: number): number {
    if (points < this.points) this.points = this.at = this.unit = 0;
    while (this.points < points && this.at < this.raw.length) {
      const character = String.fromCodePoint(this.raw.codePointAt(this.at) ?? 0);
      const next = this.raw[this.at + 1];
      this.at += character.length;
      this.points += 1;
      if (character === "\r" && next === "\n") continue;
      this.unit += HIDDEN.test(character) ? escaped(character).length : character.length;
    }
    return this.unit;
  }
}
