// The conversation of a tab: asks, stops and retries questions, and stores the answers for the tab's
// session.

import type { Client, Message } from "./client.js";
import { ChatError } from "./errors.js";
import { getItem, setItem } from "./storage.js";
import { Turn } from "./turn.js";
import type { Answer } from "./wire.js";

const MAX_TURNS = 20;
const MAX_STORED_CHARACTERS = 2_000_000;
const MAX_MESSAGE_CHARACTERS = 20_000;

export interface ConversationListener {
  onChange(): void;
  onAnswer(answer: Answer): void;
  onError(error: ChatError): void;
  viewUrl(citation: { url: string }): string | undefined;
}

export class Conversation {
  turns: Turn[] = [];
  #request: AbortController | undefined;

  constructor(
    private readonly client: Client,
    readonly collection: string | undefined,
    private readonly listener: ConversationListener,
  ) {
    this.#restore();
  }

  get isBusy(): boolean {
    return this.turns.some((turn) => turn.isBusy);
  }

  /** Asks a question; it and its answer take the place of `replaced`, the last turn. */
  async ask(question: string, replaced?: Turn): Promise<void> {
    this.stop();
    this.turns = this.turns.filter((turn) => turn !== replaced);
    const turn = new Turn(question, this.listener.viewUrl);
    const history = this.#history();
    this.turns = [...this.turns, turn];
    const { signal } = (this.#request = new AbortController());
    this.listener.onChange();
    try {
      const { collection } = this;
      for await (const event of this.client.ask({ question, history, collection }, signal)) {
        if (turn.apply(event)) this.listener.onChange();
      }
      if (turn.answer) this.listener.onAnswer(turn.answer);
      this.#store();
    } catch (error) {
      this.#fail(turn, error, signal.aborted);
    }
    this.listener.onChange();
  }

  stop(): void {
    this.#request?.abort();
    this.#request = undefined;
  }

  clear(): void {
    this.stop();
    this.turns = [];
    this.#store();
    this.listener.onChange();
  }

  #fail(turn: Turn, cause: unknown, isStopped: boolean): void {
    if (isStopped) {
      turn.end("stopped");
      return;
    }
    const error = cause instanceof ChatError ? cause : new ChatError("lost", "unforeseen");
    turn.end("failed", error);
    this.listener.onError(error);
  }

  #answers(): Answer[] {
    return this.turns.flatMap((turn) => turn.answer ?? []).slice(-MAX_TURNS);
  }

  #history(): Message[] {
    return this.turns.filter((turn) => turn.answer).slice(-MAX_TURNS).flatMap((turn) => [
      { role: "user" as const, content: turn.question },
      { role: "assistant" as const, content: (turn.answer?.answer ?? "").slice(0, MAX_MESSAGE_CHARACTERS) },
    ]);
  }

  get #storageKey(): string {
    return `conversation:${this.client.server}:${this.collection ?? ""}`;
  }

  #store(): void {
    const answers = this.#answers();
    const json = JSON.stringify(answers);
    if (json.length <= MAX_STORED_CHARACTERS) setItem(this.#storageKey, answers.length ? json : null);
  }

  #restore(): void {
    try {
      for (const answer of JSON.parse(getItem(this.#storageKey) ?? "[]") as Answer[]) {
        const turn = new Turn(answer.question, this.listener.viewUrl);
        turn.finish(answer);
        this.turns.push(turn);
      }
    } catch {
      this.turns = []; // stored by another version
    }
  }
}
