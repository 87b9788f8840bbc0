// The questions of a tab and their answers: asks, stops, asks again, and remembers what was
// answered for as long as the tab lives.

import type { Client } from "./client.js";
import { Trouble } from "./errors.js";
import { read, write } from "./memory.js";
import { Turn } from "./turn.js";
import type { Answer, Citation } from "./wire.js";

const REMEMBERED = 20;
const MOST_CHARACTERS = 2_000_000;
const TURN_CHARACTERS = 20_000;

export interface Listener {
  changed(): void;
  answered(turn: Turn, answer: Answer): void;
  failed(turn: Turn, trouble: Trouble): void;
  link(citation: { url: string }): string | undefined;
}

export class Conversation {
  turns: Turn[] = [];
  private under: AbortController | undefined;

  constructor(
    private readonly client: Client,
    readonly collection: string | undefined,
    private readonly listener: Listener,
  ) {
    this.recall();
  }

  get busy(): boolean {
    return this.turns.some((turn) => turn.busy);
  }

  async ask(question: string): Promise<void> {
    this.stop();
    const turn = new Turn(question, (citation: Citation) => this.listener.link(citation));
    const history = this.history();
    this.turns = [...this.turns, turn];
    const under = (this.under = new AbortController());
    this.listener.changed();
    try {
      const { collection } = this;
      for await (const event of this.client.ask({ question, history, collection }, under.signal)) {
        if (turn.take(event)) this.listener.changed();
      }
      if (turn.answer) this.listener.answered(turn, turn.answer);
      this.remember();
    } catch (error) {
      this.broke(turn, error, under.signal.aborted);
    }
    this.listener.changed();
  }

  async again(turn: Turn): Promise<void> {
    this.turns = this.turns.filter((other) => other !== turn);
    await this.ask(turn.question);
  }

  stop(): void {
    this.under?.abort();
    this.under = undefined;
  }

  clear(): void {
    this.stop();
    this.turns = [];
    this.remember();
    this.listener.changed();
  }

  private broke(turn: Turn, error: unknown, stopped: boolean): void {
    if (stopped) {
      turn.end("stopped");
      return;
    }
    const trouble = error instanceof Trouble ? error : new Trouble("lost", "unforeseen");
    turn.end("failed", trouble);
    this.listener.failed(turn, trouble);
  }

  private history(): { role: "user" | "assistant"; content: string }[] {
    const ends = this.turns.filter((turn) => turn.answer).slice(-REMEMBERED);
    return ends.flatMap((turn) => [
      { role: "user" as const, content: turn.question },
      { role: "assistant" as const, content: (turn.answer?.answer ?? "").slice(0, TURN_CHARACTERS) },
    ]);
  }

  private get name(): string {
    return `conversation:${this.client.server}:${this.collection ?? ""}`;
  }

  private remember(): void {
    const answers = this.turns.flatMap((turn) => turn.answer ?? []).slice(-REMEMBERED);
    const text = JSON.stringify(answers);
    if (text.length <= MOST_CHARACTERS) write(this.name, answers.length ? text : null);
  }

  private recall(): void {
    try {
      for (const answer of JSON.parse(read(this.name) ?? "[]") as Answer[]) {
        const turn = new Turn(answer.question, (citation) => this.listener.link(citation));
        turn.finish(answer);
        this.turns.push(turn);
      }
    } catch {
      this.turns = []; // another version kept it
    }
  }
}
