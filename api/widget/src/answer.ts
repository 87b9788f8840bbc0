// One answer's text on its way into the page. A block that is followed by another is finished: it
// is drawn once and only coloured afterwards; the open one is drawn anew, at most once a frame.

import { type Block, healed, markdownBlocks, textBlocks } from "./markdown.js";
import { wrap } from "./place.js";
import { Screened } from "./text.js";
import type { Answer, Citation, Format, Sentence } from "./wire.js";

const MARKER = /\[(\d{1,3})\]/g;

/** Is it a statement that nothing supports? A heading, or a table's head, states nothing. */
export function isDoubtful({ status, text }: Sentence): boolean {
  return status === "unsupported"
    || (status === "uncited" && !/^#{1,6} [^\n]*$|\n[-|: ]+$/.test(text.trim()));
}

interface Drawn {
  element: HTMLElement;
  source: string;
  start: number;
}

export class AnswerText {
  readonly element = document.createElement("div");
  readonly citations = new Map<number, Citation>();
  private text = new Screened();
  private format: Format = "text";
  private finished: Drawn[] = [];
  private open: HTMLElement | undefined;
  private openAt = 0;
  private sentences: Sentence[] = [];
  private frame = 0;

  /** `link` gives a citation's address, nothing where it is not one of our own views. */
  constructor(private readonly link: (citation: Citation) => string | undefined) {
    this.element.className = "text";
    this.element.dir = "auto";
    this.element.setAttribute("part", "answer");
  }

  get plain(): string {
    return this.text.shown;
  }

  push(text: string, format: Format): void {
    this.form(format);
    this.text.push(text);
    this.frame ||= requestAnimationFrame(() => this.draw(false));
  }

  cite(citation: Citation): void {
    this.citations.set(citation.n, citation);
    for (const chip of this.element.querySelectorAll<HTMLAnchorElement>(".chip")) this.linked(chip);
  }

  sentence(sentence: Sentence): void {
    this.sentences.push(sentence);
    this.finished.forEach((drawn) => this.colour(drawn, sentence));
    this.frame ||= requestAnimationFrame(() => this.draw(false));
  }

  /** Makes it what the whole answer says; redraws only where that differs from what came. */
  finish(answer: Answer): void {
    const same = answer.answer === this.text.raw && answer.format === this.format;
    if (!same || this.sentences.length !== answer.sentences.length) {
      this.text = new Screened();
      this.text.push(answer.answer);
      this.form(answer.format);
      this.finished = [];
      this.openAt = 0;
      this.open = undefined;
      this.element.replaceChildren();
      this.sentences = answer.sentences;
    }
    this.citations.clear();
    answer.citations.forEach((citation) => this.citations.set(citation.n, citation));
    this.settle();
  }

  /** Draws the last block for good; markers of nothing become plain text. */
  settle(): void {
    this.draw(true);
    for (const chip of this.element.querySelectorAll<HTMLAnchorElement>(".chip")) {
      if (!this.linked(chip)) chip.replaceWith(chip.textContent ?? "");
    }
  }

  private form(format: Format): void {
    this.format = format;
    this.element.classList.toggle("plain", format === "text");
  }

  private draw(last: boolean): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const rest = this.text.shown.slice(this.openAt);
    const split = this.format === "markdown" ? markdownBlocks : textBlocks;
    const blocks = split(last || this.format === "text" ? rest : healed(rest));
    const open = last ? blocks.length : blocks.findLastIndex((block) => !block.blank);
    for (const [index, block] of blocks.entries()) {
      if (index < open) this.close(block);
      else if (!block.blank) this.into(this.place(), block, this.openAt);
    }
  }

  private close(block: Block): void {
    if (!block.blank) {
      const drawn = this.into(this.place(), block, this.openAt);
      this.finished.push(drawn);
      this.open = undefined;
    }
    this.openAt += block.raw.length;
  }

  private place(): HTMLElement {
    if (!this.open) {
      this.open = document.createElement("div");
      this.open.className = "block";
      this.element.append(this.open);
    }
    return this.open;
  }

  private into(element: HTMLElement, block: Block, start: number): Drawn {
    const content = document.createElement("div");
    content.append(block.draw());
    this.chips(content);
    const drawn = { element: content, source: block.raw, start };
    this.sentences.forEach((sentence) => this.colour(drawn, sentence));
    element.replaceChildren(...content.childNodes);
    return { ...drawn, element };
  }

  private colour(drawn: Drawn, sentence: Sentence): void {
    if (!isDoubtful(sentence)) return;
    const from = this.text.offset(sentence.start) - drawn.start;
    const to = this.text.offset(sentence.end) - drawn.start;
    if (to <= 0 || from >= drawn.source.length) return;
    wrap(drawn.element, drawn.source, from, to, () => {
      const mark = document.createElement("mark");
      mark.className = "doubtful";
      mark.setAttribute("part", "unsupported");
      return mark;
    });
  }

  private chips(root: HTMLElement): void {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const nodes: Text[] = [];
    while (walker.nextNode()) nodes.push(walker.currentNode as Text);
    for (const node of nodes.filter((text) => !text.parentElement?.closest("code"))) {
      for (const found of [...node.data.matchAll(MARKER)].reverse()) {
        const marker = node.splitText(found.index);
        marker.splitText(found[0].length);
        const chip = document.createElement("a");
        chip.className = "chip";
        chip.setAttribute("part", "chip");
        chip.dataset["n"] = found[1] ?? "";
        marker.replaceWith(chip);
        chip.append(marker);
        this.linked(chip);
      }
    }
  }

  private linked(chip: HTMLAnchorElement): boolean {
    const citation = this.citations.get(Number(chip.dataset["n"]));
    const address = citation && this.link(citation);
    if (!address) return citation !== undefined;
    chip.href = address;
    chip.target = "_blank";
    chip.rel = "noopener";
    chip.setAttribute("aria-describedby", "proof");
    return true;
  }
}
