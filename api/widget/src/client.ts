// HTTP client of the service: answer events, feedback, readiness. A stream that ends without its
// `done` event is an error, however much of the answer arrived.

import { createParser } from "eventsource-parser";
import type { Credentials } from "./credentials.js";
import { ChatError, fromProblem } from "./errors.js";
import type { AnswerEvent, Ready } from "./wire.js";

const MAX_BUFFER_SIZE = 20_000_000;

export interface Message {
  role: "user" | "assistant";
  content: string;
}

export interface Question {
  question: string;
  history: Message[];
  collection: string | undefined;
}

export class Client {
  constructor(
    readonly server: string,
    private readonly credentials: Credentials,
  ) {}

  /** Yields an answer's events up to `done`; throws ChatError, or AbortError when stopped. */
  async *ask(question: Question, signal: AbortSignal): AsyncGenerator<AnswerEvent> {
    const response = await this.#post("v1/answers", { ...question, stream: true }, signal);
    if (!response.body) throw new ChatError("lost", "no_body");
    for await (const event of readEvents(response.body, signal)) {
      if (event.name === "error") throw fromProblem(event.data.problem, event.data.retryable);
      yield event;
      if (event.name === "done") return;
    }
    throw new ChatError("lost", "ended_early");
  }

  async sendFeedback(id: string, body: object): Promise<void> {
    await this.#post(`v1/answers/${encodeURIComponent(id)}/feedback`, body);
  }

  /** Returns the service's readiness; undefined when it cannot be reached. */
  async ready(): Promise<Ready | undefined> {
    try {
      const response = await fetch(new URL("readyz", this.server), { credentials: "same-origin" });
      return (await response.json()) as Ready;
    } catch {
      return undefined;
    }
  }

  async #post(path: string, body: object, signal?: AbortSignal): Promise<Response> {
    let response = await this.#send(path, body, signal);
    if (response.status === 401 && (await this.credentials.renew(this.server).catch(() => false))) {
      response = await this.#send(path, body, signal);
    }
    if (response.ok) return response;
    const { provider, hasKey } = this.credentials;
    if (response.status === 401 && !provider) {
      throw new ChatError("key", hasKey ? "key_refused" : "unauthorized");
    }
    const problem = (await response.json().catch(() => ({}))) as object;
    throw fromProblem(problem, [401, 429].includes(response.status) || response.status >= 500);
  }

  async #send(path: string, body: object, signal?: AbortSignal): Promise<Response> {
    const authorization = await this.credentials.headers(this.server);
    try {
      return await fetch(new URL(path, this.server), {
        method: "POST",
        headers: { "content-type": "application/json", ...authorization },
        body: JSON.stringify(body),
        credentials: "same-origin", // who is signed in on the service's own origin needs no key
        signal: signal ?? null,
      });
    } catch (error) {
      throw signal?.aborted ? error : new ChatError("offline", "unreachable");
    }
  }
}

async function* readEvents(
  body: ReadableStream<Uint8Array>, signal: AbortSignal,
): AsyncGenerator<AnswerEvent> {
  const queue: AnswerEvent[] = [];
  const parser = createParser({
    maxBufferSize: MAX_BUFFER_SIZE,
    onEvent: ({ event, data }) => {
      queue.push({ name: event, data: JSON.parse(data) } as AnswerEvent);
    },
  });
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* queue.splice(0);
    }
  } catch (error) {
    throw signal.aborted || error instanceof ChatError ? error : new ChatError("lost", "broken_off");
  } finally {
    reader.cancel().catch(() => undefined);
  }
}
