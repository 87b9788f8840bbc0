// The popover beside a chip: the cited words in their context. It lies in the top layer, so nothing
// clips it; it stays while the pointer or the focus is on it, and Esc closes it.

import { screen } from "./text.js";
import type { Citation } from "./wire.js";

const CONTEXT = 200;
const MARGIN = 8;
const LEAVE_MS = 200;

export interface Words {
  place(citation: { page: number | null; line?: number }): string;
  open: string;
}

export class Proof {
  readonly element = document.createElement("div");
  private chip: HTMLAnchorElement | undefined;
  private leaving = 0;

  constructor(
    private readonly find: (chip: HTMLAnchorElement) => Citation | undefined,
    private readonly words: () => Words,
  ) {
    const { element } = this;
    element.id = "proof";
    element.className = "proof";
    element.popover = "manual";
    element.setAttribute("part", "popover");
    element.addEventListener("pointerenter", () => clearTimeout(this.leaving));
    element.addEventListener("pointerleave", () => this.leave());
    element.addEventListener("focusin", () => clearTimeout(this.leaving));
    element.addEventListener("focusout", () => this.leave());
  }

  get shown(): boolean {
    return this.element.matches(":popover-open");
  }

  /** Follows the chips below `root`: hover and focus show, a tap shows instead of opening. */
  watch(root: HTMLElement): void {
    const chip = (event: Event): HTMLAnchorElement | null =>
      event.target instanceof Element ? event.target.closest<HTMLAnchorElement>(".chip") : null;
    root.addEventListener("pointerover", (event) => {
      const over = chip(event);
      if (over && event.pointerType !== "touch") this.show(over);
    });
    root.addEventListener("pointerout", (event) => chip(event) && this.leave());
    root.addEventListener("focusin", (event) => {
      const at = chip(event);
      if (at?.matches(":focus-visible")) this.show(at);
    });
    root.addEventListener("focusout", (event) => chip(event) && this.leave());
    root.addEventListener("click", (event) => {
      const at = chip(event);
      if (!at || (event as PointerEvent).pointerType !== "touch") return;
      event.preventDefault();
      this.show(at);
    });
    root.addEventListener(
      "scroll",
      (event) => {
        if (!this.element.contains(event.target as Node)) this.hide();
      },
      true,
    );
  }

  hide(): void {
    clearTimeout(this.leaving);
    if (this.shown) this.element.hidePopover();
  }

  /** Closes on Esc; the focus goes back to the chip where it was inside. */
  escape(): boolean {
    if (!this.shown) return false;
    const inside = this.element.contains((this.element.getRootNode() as ShadowRoot).activeElement);
    this.hide();
    if (inside) this.chip?.focus();
    this.hide();
    return true;
  }

  private leave(): void {
    clearTimeout(this.leaving);
    this.leaving = window.setTimeout(() => this.hide(), LEAVE_MS);
  }

  private show(chip: HTMLAnchorElement): void {
    clearTimeout(this.leaving);
    const citation = this.find(chip);
    if (!citation || (this.shown && this.chip === chip)) return;
    this.chip = chip;
    this.element.replaceChildren(...this.content(citation, chip.href));
    this.element.showPopover();
    this.put(chip.getBoundingClientRect());
    chip.dispatchEvent(
      new CustomEvent("footnote-citation", { detail: citation, bubbles: true, composed: true }),
    );
  }

  private content(citation: Citation, address: string): Node[] {
    const { place, open } = this.words();
    const said = [citation.source, citation.heading, place(citation)].filter(Boolean).join(" · ");
    const quote = element("p", "quote");
    const { before, after } = citation;
    quote.append(
      element("span", "around", (before.length < CONTEXT ? "" : "…") + before),
      element("mark", "", citation.quote),
      element("span", "around", after + (after.length < CONTEXT ? "" : "…")),
    );
    const link = element("a", "source", open) as HTMLAnchorElement;
    link.href = address;
    link.target = "_blank";
    link.rel = "noopener";
    const parts = [element("strong", "", citation.title), element("span", "from", said), quote];
    return address ? [...parts, link] : parts;
  }

  private put(chip: DOMRect): void {
    const { element } = this;
    const { offsetWidth: width, offsetHeight: height } = element;
    const { clientWidth, clientHeight } = document.documentElement;
    const below = chip.bottom + MARGIN + height <= clientHeight || chip.top < height + MARGIN;
    const top = below ? chip.bottom + MARGIN / 2 : chip.top - height - MARGIN / 2;
    const left = Math.min(chip.left, clientWidth - width - MARGIN);
    element.style.setProperty("top", `${Math.max(0, Math.min(top, clientHeight - height))}px`);
    element.style.setProperty("left", `${Math.max(MARGIN, left)}px`);
    const mark = element.querySelector("mark");
    const quote = element.querySelector(".quote");
    if (!mark || !quote) return;
    const line = parseFloat(getComputedStyle(quote).lineHeight);
    quote.scrollTop = (Math.floor(mark.offsetTop / line) - 2) * line; // no line is cut in half
  }
}

function element(name: string, className: string, text = ""): HTMLElement {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.dir = "auto";
  made.textContent = screen(text);
  return made;
}
