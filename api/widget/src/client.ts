// The service over HTTP: an answer's events, feedback, readiness. A stream without its last event
// is a failure, whatever came before.

import { createParser } from "eventsource-parser";
import type { Access } from "./access.js";
import { refusal, Trouble } from "./errors.js";
import type { Event, Ready } from "./wire.js";

const MOST = 20_000_000;

export interface Question {
  question: string;
  history: { role: "user" | "assistant"; content: string }[];
  collection: string | undefined;
}

export class Client {
  constructor(
    readonly server: string,
    private readonly access: Access,
  ) {}

  /** Yields an answer's events up to `done`; throws Trouble, or AbortError when stopped. */
  async *ask(question: Question, signal: AbortSignal): AsyncGenerator<Event> {
    const reply = await this.post("v1/answers", { ...question, stream: true }, signal);
    if (!reply.body) throw new Trouble("lost", "no_body");
    for await (const event of events(reply.body, signal)) {
      if (event.name === "error") throw refusal(event.data.problem, event.data.retryable);
      yield event;
      if (event.name === "done") return;
    }
    throw new Trouble("lost", "ended_early");
  }

  async feedback(id: string, body: object): Promise<void> {
    await this.post(`v1/answers/${encodeURIComponent(id)}/feedback`, body);
  }

  /** Returns how the service is; nothing where it cannot be asked. */
  async ready(): Promise<Ready | undefined> {
    try {
      const reply = await fetch(new URL("readyz", this.server), { credentials: "omit" });
      return (await reply.json()) as Ready;
    } catch {
      return undefined;
    }
  }

  private async post(path: string, body: object, signal?: AbortSignal): Promise<Response> {
    let reply = await this.send(path, body, signal);
    if (reply.status === 401 && (await this.access.renew(this.server).catch(() => false))) {
      reply = await this.send(path, body, signal);
    }
    if (reply.ok) return reply;
    const ours = this.access.provider !== undefined;
    if (reply.status === 401 && !ours) throw new Trouble("key", this.access.hasKey ? "key_refused" : "unauthorized");
    const problem = (await reply.json().catch(() => ({}))) as object;
    throw refusal(problem, [401, 429].includes(reply.status) || reply.status >= 500);
  }

  private async send(path: string, body: object, signal?: AbortSignal): Promise<Response> {
    const authorization = await this.access.headers(this.server);
    try {
      return await fetch(new URL(path, this.server), {
        method: "POST",
        headers: { "content-type": "application/json", ...authorization },
        body: JSON.stringify(body),
        credentials: "omit",
        signal: signal ?? null,
      });
    } catch (error) {
      throw signal?.aborted ? error : new Trouble("offline", "unreachable");
    }
  }
}

async function* events(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<Event> {
  const waiting: Event[] = [];
  const parser = createParser({
    maxBufferSize: MOST,
    onEvent: ({ event, data }) => {
      waiting.push({ name: event, data: JSON.parse(data) } as Event);
    },
  });
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* waiting.splice(0);
    }
  } catch (error) {
    throw signal.aborted || error instanceof Trouble ? error : new Trouble("lost", "broken_off");
  } finally {
    reader.cancel().catch(() => undefined);
  }
}
