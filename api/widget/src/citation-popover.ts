// The popover of a citation chip: the quote in its context. It is in the top layer, so nothing clips
// it; it stays open while the pointer or the focus is on it, and Esc closes it.

import { escapeHidden } from "./escape.js";
import type { Citation } from "./wire.js";

const CONTEXT_CHARACTERS = 200;
const MARGIN_PX = 8;
const CLOSE_DELAY_MS = 200;

export interface PopoverText {
  /** The citation's page or line. */
  location: string;
  openArticle: string;
}

export class CitationPopover {
  readonly element = document.createElement("div");
  #chip: HTMLAnchorElement | undefined;
  #closeTimer = 0;

  constructor(
    private readonly citationOf: (chip: HTMLAnchorElement) => Citation | undefined,
    private readonly textFor: (citation: Citation) => PopoverText,
  ) {
    const { element } = this;
    element.id = "proof";
    element.className = "proof";
    element.popover = "manual";
    element.setAttribute("part", "popover");
    element.addEventListener("pointerenter", () => clearTimeout(this.#closeTimer));
    element.addEventListener("pointerleave", () => this.#scheduleClose());
    element.addEventListener("focusin", () => clearTimeout(this.#closeTimer));
    element.addEventListener("focusout", () => this.#scheduleClose());
  }

  get isOpen(): boolean {
    return this.element.matches(":popover-open");
  }

  /** Opens the popover on hover and focus of the chips below `root`, and on a tap instead of the link. */
  attach(root: HTMLElement): void {
    const chipOf = (event: Event): HTMLAnchorElement | null =>
      event.target instanceof Element ? event.target.closest<HTMLAnchorElement>(".chip") : null;
    root.addEventListener("pointerover", (event) => {
      const chip = chipOf(event);
      if (chip && event.pointerType !== "touch") this.#open(chip);
    });
    root.addEventListener("pointerout", (event) => chipOf(event) && this.#scheduleClose());
    root.addEventListener("focusin", (event) => {
      const chip = chipOf(event);
      if (chip?.matches(":focus-visible")) this.#open(chip);
    });
    root.addEventListener("focusout", (event) => chipOf(event) && this.#scheduleClose());
    root.addEventListener("click", (event) => {
      const chip = chipOf(event);
      if (!chip || (event as PointerEvent).pointerType !== "touch") return;
      event.preventDefault();
      this.#open(chip);
    });
    root.addEventListener(
      "scroll",
      (event) => {
        if (!this.element.contains(event.target as Node)) this.close();
      },
      true,
    );
  }

  close(): void {
    clearTimeout(this.#closeTimer);
    if (this.isOpen) this.element.hidePopover();
  }

  /** Closes the popover on Esc and returns whether it was open; focus inside it returns to the chip. */
  onEscape(): boolean {
    if (!this.isOpen) return false;
    const hasFocus = this.element.contains((this.element.getRootNode() as ShadowRoot).activeElement);
    this.close();
    if (hasFocus) this.#chip?.focus();
    this.close(); // focusing the chip opens it again
    return true;
  }

  #scheduleClose(): void {
    clearTimeout(this.#closeTimer);
    this.#closeTimer = window.setTimeout(() => this.close(), CLOSE_DELAY_MS);
  }

  #open(chip: HTMLAnchorElement): void {
    clearTimeout(this.#closeTimer);
    const citation = this.citationOf(chip);
    if (!citation || (this.isOpen && this.#chip === chip)) return;
    this.#chip = chip;
    this.element.replaceChildren(...this.#content(citation, chip.href));
    this.element.showPopover();
    this.#position(chip.getBoundingClientRect());
    chip.dispatchEvent(
      new CustomEvent("footnote-citation", { detail: citation, bubbles: true, composed: true }),
    );
  }

  #content(citation: Citation, url: string): Node[] {
    const { location, openArticle } = this.textFor(citation);
    const origin = [citation.source, citation.heading, location].filter(Boolean).join(" · ");
    const quote = createElement("p", "quote");
    const { before, after } = citation;
    quote.append(
      createElement("span", "context", (before.length < CONTEXT_CHARACTERS ? "" : "…") + before),
      createElement("mark", "", citation.quote),
      createElement("span", "context", after + (after.length < CONTEXT_CHARACTERS ? "" : "…")),
    );
    const content = [createElement("strong", "", citation.title), createElement("span", "from", origin), quote];
    if (!url) return content;
    const link = createElement("a", "source", openArticle) as HTMLAnchorElement;
    link.href = url;
    link.target = "_blank";
    link.rel = "noopener";
    return [...content, link];
  }

  #position(chip: DOMRect): void {
    const { element } = this;
    const { offsetWidth: width, offsetHeight: height } = element;
    const { clientWidth, clientHeight } = document.documentElement;
    const isBelow = chip.bottom + MARGIN_PX + height <= clientHeight || chip.top < height + MARGIN_PX;
    const top = isBelow ? chip.bottom + MARGIN_PX / 2 : chip.top - height - MARGIN_PX / 2;
    const left = Math.min(chip.left, clientWidth - width - MARGIN_PX);
    element.style.setProperty("top", `${Math.max(0, Math.min(top, clientHeight - height))}px`);
    element.style.setProperty("left", `${Math.max(MARGIN_PX, left)}px`);
    const mark = element.querySelector("mark");
    const quote = element.querySelector(".quote");
    if (!mark || !quote) return;
    const lineHeight = parseFloat(getComputedStyle(quote).lineHeight);
    // scroll by whole lines, so that none is cut in half
    quote.scrollTop = (Math.floor(mark.offsetTop / lineHeight) - 2) * lineHeight;
  }
}

function createElement(name: string, className: string, text = ""): HTMLElement {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.dir = "auto";
  element.textContent = escapeHidden(text);
  return element;
}
