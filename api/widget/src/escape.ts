// Escapes hidden and reordering characters, and maps offsets in a text to offsets in its escaped form.

/** Invisible and bidirectional control characters. Joiners and the soft hyphen are not escaped, as
 * in api/wire/escape.py. */
const HIDDEN = /(?![\n\t\u00ad\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const ALL_HIDDEN = new RegExp(HIDDEN, "gu");

function escapeCharacter(character: string): string {
  const codePoint = character.codePointAt(0) ?? 0;
  const hex = codePoint.toString(16);
  if (codePoint <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return codePoint <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

/** Whether a character is invisible or reorders the text. */
export const isHidden = (character: string): boolean => HIDDEN.test(character);

/** Returns `text` with each hidden or reordering character as a visible escape sequence. */
export function escapeHidden(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(ALL_HIDDEN, escapeCharacter);
}

/** A growing text and its escaped form; maps the server's offsets to offsets in the escaped form. */
export class EscapedText {
  raw = "";
  escaped = "";
  #codePoints = 0;
  #rawIndex = 0;
  #escapedIndex = 0;

  append(text: string): void {
    const pending = (this.raw.endsWith("\r") ? "\r" : "") + text;
    this.raw += text;
    // a final CR waits for the LF that may follow
    this.escaped += escapeHidden(pending.endsWith("\r") ? pending.slice(0, -1) : pending);
  }

  /** Returns the offset in `escaped` of a code point offset in `raw`; fast in ascending order. */
  escapedOffset(codePoints: number): number {
    if (codePoints < this.#codePoints) this.#codePoints = this.#rawIndex = this.#escapedIndex = 0;
    while (this.#codePoints < codePoints && this.#rawIndex < this.raw.length) {
      const character = String.fromCodePoint(this.raw.codePointAt(this.#rawIndex) ?? 0);
      const next = this.raw[this.#rawIndex + 1];
      this.#rawIndex += character.length;
      this.#codePoints += 1;
      if (character === "\r" && next === "\n") continue;
      this.#escapedIndex += isHidden(character) ? escapeCharacter(character).length : character.length;
    }
    return this.#escapedIndex;
  }
}
