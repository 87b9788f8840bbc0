// One question and its answer: received so far, or complete.

import { AnswerRenderer } from "./answer-renderer.js";
import type { ChatError } from "./errors.js";
import type { Answer, AnswerEvent, Citation, Passage } from "./wire.js";

export type Phase = "asking" | "streaming" | "done" | "stopped" | "failed";
export type Rating = "up" | "down";
/** What of a turn is on the clipboard. */
export type Copied = "answer" | "link";

export class Turn {
  phase: Phase = "asking";
  passages: Passage[] = [];
  answer: Answer | undefined;
  error: ChatError | undefined;
  submittedRating: Rating | undefined;
  /** The feedback form: open with this rating, sent, or failed to send. */
  feedback: Rating | "sent" | "failed" | undefined;
  copied: Copied | undefined;
  readonly renderer: AnswerRenderer;

  constructor(
    readonly question: string,
    viewUrl: (citation: Citation) => string | undefined,
  ) {
    this.renderer = new AnswerRenderer(viewUrl);
  }

  get isBusy(): boolean {
    return this.phase === "asking" || this.phase === "streaming";
  }

  /** Applies an event; returns whether anything but the answer's text changed. */
  apply(event: AnswerEvent): boolean {
    switch (event.name) {
      case "passages":
        this.passages = event.data.passages;
        return true;
      case "delta": {
        this.renderer.append(event.data.text, event.data.format);
        const isFirst = this.phase === "asking";
        this.phase = "streaming";
        return isFirst;
      }
      case "citation":
        this.renderer.addCitation(event.data.citation);
        return false;
      case "sentence":
        this.renderer.addSentence(event.data);
        return false;
      case "done":
        this.finish(event.data);
        return true;
      default:
        return false;
    }
  }

  finish(answer: Answer): void {
    this.answer = answer;
    this.passages = answer.passages;
    this.phase = "done";
    this.renderer.finish(answer);
  }

  end(phase: "stopped" | "failed", error?: ChatError): void {
    this.phase = phase;
    this.error = error;
    this.renderer.end();
  }
}
