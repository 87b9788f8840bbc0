// The scroll position of the conversation: a new question goes to the top, a move in the page loses nothing.

import type { Turn } from "./turn.js";

export class LogScroll {
  #log: HTMLElement | null = null;
  #position = 0;
  #lastTurn: Turn | undefined;

  attach(log: HTMLElement | null): void {
    this.#log = log;
    log?.addEventListener("scroll", () => {
      if (log.isConnected) this.#position = log.scrollTop;
    });
  }

  /** Restores the position, which a browser resets when an element is moved. */
  restore(): void {
    if (this.#log) this.#log.scrollTop = this.#position;
  }

  /** Scrolls a new question to the top, once: the text does not move while the answer streams. */
  showQuestion(turn: Turn | undefined): void {
    const element = turn?.renderer.element.closest<HTMLElement>(".turn");
    if (!this.#log || !element || turn === this.#lastTurn) return;
    this.#lastTurn = turn;
    const question = element.querySelector<HTMLElement>(".question");
    this.#log.scrollTop = (question?.offsetTop ?? 0) - parseFloat(getComputedStyle(this.#log).paddingTop);
  }
}
