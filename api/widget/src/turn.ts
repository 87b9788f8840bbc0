// One question with whatever came of it so far.

import { AnswerText } from "./answer.js";
import type { Trouble } from "./errors.js";
import type { Answer, Citation, Event, Passage } from "./wire.js";

export type Phase = "asking" | "streaming" | "done" | "stopped" | "failed";

export class Turn {
  phase: Phase = "asking";
  passages: Passage[] = [];
  answer: Answer | undefined;
  trouble: Trouble | undefined;
  rated: "up" | "down" | undefined;
  /** The feedback form: open for this rating, or being sent, or sent, or it failed. */
  feedback: "up" | "down" | "sent" | "failed" | undefined;
  copied = false;
  readonly text: AnswerText;

  constructor(
    readonly question: string,
    link: (citation: Citation) => string | undefined,
  ) {
    this.text = new AnswerText(link);
  }

  get busy(): boolean {
    return this.phase === "asking" || this.phase === "streaming";
  }

  /** Takes an event in; returns whether more than the text changed. */
  take(event: Event): boolean {
    switch (event.name) {
      case "passages":
        this.passages = event.data.passages;
        return true;
      case "delta": {
        this.text.push(event.data.text, event.data.format);
        const first = this.phase === "asking";
        this.phase = "streaming";
        return first;
      }
      case "citation":
        this.text.cite(event.data.citation);
        return false;
      case "sentence":
        this.text.sentence(event.data);
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
    this.text.finish(answer);
  }

  end(phase: "stopped" | "failed", trouble?: Trouble): void {
    this.phase = phase;
    this.trouble = trouble;
    this.text.settle();
  }
}
