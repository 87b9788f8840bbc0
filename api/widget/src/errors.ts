// What can go wrong with a question, told apart by what the reader can do about it.

import type { Problem } from "./wire.js";

export type Kind = "offline" | "lost" | "refused" | "key";

export class Trouble extends Error {
  constructor(
    /** No connection; a connection lost in mid-answer; the service says no; it asks for a key. */
    readonly kind: Kind,
    readonly code: string,
    /** The service's own words; empty where ours say it. */
    readonly detail = "",
    readonly retryable = true,
  ) {
    super(detail || code);
  }
}

export function refusal(problem: Partial<Problem>, retryable: boolean): Trouble {
  return new Trouble("refused", problem.code ?? "unknown", problem.detail ?? "", retryable);
}
