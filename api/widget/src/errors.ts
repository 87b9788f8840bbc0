// Errors of a question, grouped by what the reader can do about them.

import type { Problem } from "./wire.js";

/** No connection; connection lost during the answer; request refused; API key required. */
export type ErrorKind = "offline" | "lost" | "refused" | "key";

export class ChatError extends Error {
  constructor(
    readonly kind: ErrorKind,
    readonly code: string,
    /** The service's message; empty where the widget has its own. */
    readonly detail = "",
    readonly retryable = true,
  ) {
    super(detail || code);
  }
}

export function fromProblem(problem: Partial<Problem>, retryable: boolean): ChatError {
  return new ChatError("refused", problem.code ?? "unknown", problem.detail ?? "", retryable);
}
