// Renders an answer while it streams in. A block followed by another one is complete: it is rendered
// once, and only highlights are added later. The last block is rendered again at most once per frame.

import { EscapedText } from "./escape.js";
import { wrapRange } from "./highlight.js";
import { type Block, completeMarkdown, markdownBlocks, textBlocks } from "./markdown.js";
import type { Answer, Citation, Format, Sentence } from "./wire.js";

const MARKER = /\[(\d{1,3})\]/g;

/** Whether a sentence makes a claim without support. Headings and table headers make no claim. */
export function isDoubtful({ status, text }: Sentence): boolean {
  return status === "unsupported"
    || (status === "uncited" && !/^#{1,6} [^\n]*$|\n[-|: ]+$/.test(text.trim()));
}

interface RenderedBlock {
  element: HTMLElement;
  source: string;
  start: number;
}

export class AnswerRenderer {
  readonly element = document.createElement("div");
  readonly citations = new Map<number, Citation>();
  #text = new EscapedText();
  #format: Format = "text";
  #completeBlocks: RenderedBlock[] = [];
  #openBlock: HTMLElement | undefined;
  #openBlockStart = 0;
  #sentences: Sentence[] = [];
  #frame = 0;

  /** `viewUrl` returns the URL of a citation's source view; undefined when it is not one of ours. */
  constructor(private readonly viewUrl: (citation: Citation) => string | undefined) {
    this.element.className = "text";
    this.element.dir = "auto";
    this.element.setAttribute("part", "answer");
  }

  append(text: string, format: Format): void {
    this.#setFormat(format);
    this.#text.append(text);
    this.#scheduleRender();
  }

  addCitation(citation: Citation): void {
    this.citations.set(citation.n, citation);
    for (const chip of this.#chips()) this.#linkChip(chip);
  }

  addSentence(sentence: Sentence): void {
    this.#sentences.push(sentence);
    this.#completeBlocks.forEach((block) => this.#highlight(block, sentence));
    this.#scheduleRender();
  }

  /** Shows the complete answer; renders again only if it differs from the streamed text. */
  finish(answer: Answer): void {
    const isSame = answer.answer === this.#text.raw && answer.format === this.#format;
    if (!isSame || this.#sentences.length !== answer.sentences.length) {
      this.#text = new EscapedText();
      this.#text.append(answer.answer);
      this.#setFormat(answer.format);
      this.#completeBlocks = [];
      this.#openBlockStart = 0;
      this.#openBlock = undefined;
      this.element.replaceChildren();
      this.#sentences = answer.sentences;
    }
    this.citations.clear();
    answer.citations.forEach((citation) => this.citations.set(citation.n, citation));
    this.end();
  }

  /** Renders the last block; markers without a citation become plain text. */
  end(): void {
    this.#render(true);
    for (const chip of this.#chips()) {
      if (!this.#linkChip(chip)) chip.replaceWith(chip.textContent ?? "");
    }
  }

  #setFormat(format: Format): void {
    this.#format = format;
    this.element.classList.toggle("plain", format === "text");
  }

  #chips(): NodeListOf<HTMLAnchorElement> {
    return this.element.querySelectorAll<HTMLAnchorElement>(".chip");
  }

  #scheduleRender(): void {
    this.#frame ||= requestAnimationFrame(() => this.#render(false));
  }

  #render(isFinal: boolean): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const rest = this.#text.escaped.slice(this.#openBlockStart);
    const split = this.#format === "markdown" ? markdownBlocks : textBlocks;
    const blocks = split(isFinal || this.#format === "text" ? rest : completeMarkdown(rest));
    const openIndex = isFinal ? blocks.length : blocks.findLastIndex((block) => !block.isBlank);
    for (const [index, block] of blocks.entries()) {
      if (index < openIndex) this.#completeBlock(block);
      else if (!block.isBlank) this.#renderBlock(block);
    }
  }

  #completeBlock(block: Block): void {
    if (!block.isBlank) {
      this.#completeBlocks.push(this.#renderBlock(block));
      this.#openBlock = undefined;
    }
    this.#openBlockStart += block.raw.length;
  }

  #renderBlock(block: Block): RenderedBlock {
    const content = document.createElement("div");
    content.append(block.render());
    this.#insertChips(content);
    const rendered = { element: content, source: block.raw, start: this.#openBlockStart };
    this.#sentences.forEach((sentence) => this.#highlight(rendered, sentence));
    const element = this.#openBlockElement();
    element.replaceChildren(...content.childNodes);
    return { ...rendered, element };
  }

  #openBlockElement(): HTMLElement {
    if (!this.#openBlock) {
      this.#openBlock = document.createElement("div");
      this.#openBlock.className = "block";
      this.element.append(this.#openBlock);
    }
    return this.#openBlock;
  }

  #highlight(block: RenderedBlock, sentence: Sentence): void {
    const isCode = this.#isCode(sentence);
    if (!isCode && !isDoubtful(sentence)) return;
    const start = this.#text.escapedOffset(sentence.start) - block.start;
    const end = this.#text.escapedOffset(sentence.end) - block.start;
    if (end <= 0 || start >= block.source.length) return;
    if (isCode) markCode(block, start, end);
    if (isDoubtful(sentence)) wrapRange(block.element, block.source, start, end, () => {
      const mark = document.createElement("mark");
      mark.className = "doubtful";
      mark.setAttribute("part", "unsupported");
      return mark;
    });
  }

  /** Whether the sentence is a quote of lines of code, shown as plain text. */
  #isCode({ citations }: Sentence): boolean {
    return this.#format === "text" && citations.some((n) => this.citations.get(n)?.unit === "code");
  }

  #insertChips(root: HTMLElement): void {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const nodes: Text[] = [];
    while (walker.nextNode()) nodes.push(walker.currentNode as Text);
    for (const node of nodes.filter((text) => !text.parentElement?.closest("code"))) {
      for (const match of [...node.data.matchAll(MARKER)].reverse()) {
        const marker = node.splitText(match.index);
        marker.splitText(match[0].length);
        const chip = document.createElement("a");
        chip.className = "chip";
        chip.setAttribute("part", "chip");
        chip.dataset["n"] = match[1] ?? "";
        marker.replaceWith(chip);
        chip.append(marker);
        this.#linkChip(chip);
      }
    }
  }

  /** Returns whether the chip has a citation. */
  #linkChip(chip: HTMLAnchorElement): boolean {
    const citation = this.citations.get(Number(chip.dataset["n"]));
    const url = citation && this.viewUrl(citation);
    if (!url) return citation !== undefined;
    chip.href = url;
    chip.target = "_blank";
    chip.rel = "noopener";
    chip.setAttribute("aria-describedby", "proof");
    return true;
  }
}

/** Marks the lines of a plain text from the one of `start` to the one before `end`. */
function markCode({ element, source }: RenderedBlock, start: number, end: number): void {
  const lineAt = (offset: number): number => source.slice(0, Math.max(0, offset)).split("\n").length - 1;
  const lines = [...element.querySelectorAll(".line")].slice(lineAt(start), lineAt(end - 1) + 1);
  for (const line of lines) line.className = "line code";
}
