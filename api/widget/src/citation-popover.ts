// The popover of a citation chip: the quote in its context. It is in the top layer, so nothing clips
// it; it stays open while the pointer or the focus is on it, and Esc closes it.

import { html, nothing, render, type TemplateResult } from "lit";
import { escapeHidden } from "./escape.js";
import { quoteInContext } from "./plain-text.js";
import { originalView, placeView } from "./source-view.js";
import type { Strings } from "./strings.js";
import type { Citation } from "./wire.js";

const MARGIN_PX = 8;
const MIN_QUOTE_LINES = 3;
const CLOSE_DELAY_MS = 200;

export class CitationPopover {
  readonly element = document.createElement("div");
  #chip: HTMLAnchorElement | undefined;
  #closeTimer = 0;

  constructor(
    private readonly citationOf: (chip: HTMLAnchorElement) => Citation | undefined,
    private readonly strings: () => Strings,
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
    render(proofView(citation, chip.href, this.strings()), this.element);
    this.element.showPopover();
    this.#position(chip.getBoundingClientRect());
    chip.dispatchEvent(
      new CustomEvent("footnote-citation", { detail: citation, bubbles: true, composed: true }),
    );
  }

  #position(chip: DOMRect): void {
    const { element } = this;
    const { clientWidth, clientHeight } = document.documentElement;
    const above = chip.top - MARGIN_PX;
    const below = clientHeight - chip.bottom - MARGIN_PX;
    element.style.removeProperty("--quote-height");
    const isBelow = element.offsetHeight <= below || below >= above;
    this.#fit(isBelow ? below : above);
    const { offsetWidth: width, offsetHeight: height } = element;
    const top = isBelow ? chip.bottom + MARGIN_PX / 2 : chip.top - height - MARGIN_PX / 2;
    const left = Math.min(chip.left, clientWidth - width - MARGIN_PX);
    element.style.setProperty("top", `${Math.max(0, Math.min(top, clientHeight - height))}px`);
    element.style.setProperty("left", `${Math.max(MARGIN_PX, left)}px`);
  }

  /** Shortens the quote where the popover is higher than the room beside its chip, which it would
   * cover; scrolls to the marked words by whole lines, so that none is cut in half. */
  #fit(room: number): void {
    const { element } = this;
    const quote = element.querySelector<HTMLElement>(".quote");
    const mark = element.querySelector("mark");
    if (!quote || !mark) return;
    const lineHeight = parseFloat(getComputedStyle(quote).lineHeight);
    const excess = Math.max(0, element.offsetHeight - room);
    const lines = Math.max(MIN_QUOTE_LINES, Math.floor((quote.offsetHeight - excess) / lineHeight));
    if (excess) element.style.setProperty("--quote-height", `${lines * lineHeight}px`);
    quote.scrollTop = (Math.floor(mark.offsetTop / lineHeight) - (excess ? 0 : 2)) * lineHeight;
  }
}

function proofView(citation: Citation, url: string, strings: Strings): TemplateResult {
  const { title } = citation;
  const { before, quote, after } = quoteInContext(citation);
  return html`<strong dir="auto">${escapeHidden(title)}</strong>${placeView(citation, strings)}<p
      class="quote" dir="auto"><span class="context" dir="auto">${escapeHidden(before)}</span><mark
      dir="auto">${escapeHidden(quote)}</mark><span class="context" dir="auto">${escapeHidden(after)}</span></p>
    <p class="links">
      ${url ? html`<a href=${url} target="_blank" rel="noopener">${strings.openArticle}</a>` : nothing}
      ${originalView(citation, strings)}
    </p>`;
}
