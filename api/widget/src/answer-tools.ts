// What the tools below an answer do: copy it, copy a link to its question, rate it.

import type { Client } from "./client.js";
import { clipboardText } from "./clipboard.js";
import type { Strings } from "./strings.js";
import type { Copied, Rating, Turn } from "./turn.js";

export interface ToolsHost {
  strings: Strings;
  turns: Turn[];
  /** The text of the live region for screen readers. */
  announcement: string;
  readonly client: Client | undefined;
  readonly collection: string | undefined;
  updateComplete: Promise<unknown>;
  viewUrl(source: { url: string }): string | undefined;
  requestUpdate(): void;
  emit(name: string, detail: unknown): void;
}

export class AnswerTools {
  constructor(private readonly host: ToolsHost) {}

  copy(turn: Turn): void {
    if (turn.answer) this.#copyText(turn, "answer", clipboardText(turn.answer, this.host));
  }

  /** Copies a link to the service's page that asks the question. */
  share(turn: Turn): void {
    const { collection } = this.host;
    const query = new URLSearchParams({ q: turn.question, ...(collection && { collection }) });
    this.#copyText(turn, "link", new URL(`?${query}`, this.host.client?.server).href);
  }

  /** Whether the page is the service's own, which asks what a link to it says. */
  get canShare(): boolean {
    return this.host.client?.server === new URL(".", location.href).href;
  }

  /** Opens the feedback form with this rating; undefined closes it. */
  rate(turn: Turn, rating: Rating | undefined): void {
    turn.feedback = rating;
    this.host.requestUpdate();
    this.#focusFeedback(turn);
  }

  sendFeedback(turn: Turn, comment: string): void {
    const { answer } = turn;
    const rating = turn.feedback === "up" || turn.feedback === "down" ? turn.feedback : turn.submittedRating;
    if (!answer || !rating) return;
    turn.submittedRating = rating;
    const { question, answer: text } = answer;
    const citations = answer.citations.map(({ source, quote }) => ({ source, quote }));
    const body = { rating, question, answer: text, citations, ...(comment.trim() && { comment }) };
    const onEnd = (result: "sent" | "failed"): void => {
      turn.feedback = result;
      this.host.requestUpdate();
      this.#focusFeedback(turn);
      if (result === "sent") this.host.emit("feedback", { id: answer.id, rating, comment });
    };
    this.host.client?.sendFeedback(answer.id, body).then(() => onEnd("sent"), () => onEnd("failed"));
  }

  #copyText(turn: Turn, what: Copied, text: string): void {
    const { host } = this;
    const onEnd = (isCopied: boolean): void => {
      for (const other of host.turns) other.copied = isCopied && other === turn ? what : undefined;
      host.announcement = isCopied ? host.strings.copied : host.strings.failed;
      host.requestUpdate();
    };
    // a page without HTTPS has no clipboard, and a browser may deny access
    Promise.resolve().then(() => navigator.clipboard.writeText(text)).then(() => onEnd(true), () => onEnd(false));
  }

  /** Moves the focus to the feedback form, or to the thumbs when it is closed: the focused element
   * may have been removed. */
  #focusFeedback(turn: Turn): void {
    void this.host.updateComplete.then(() => {
      const element = turn.renderer.element.closest(".turn");
      const target = element?.querySelector(".feedback textarea") ?? element?.querySelector(".tools .icon");
      (target as HTMLElement | null)?.focus();
    });
  }
}
