// The line one asks in: Enter asks, Shift+Enter breaks the line, and half-composed words stay.

import { html, nothing, type ReactiveControllerHost, type TemplateResult } from "lit";
import { counted, type Strings } from "./strings.js";

const MOST = 4_000;
const SHOWN_FROM = 0.8 * MOST;

interface Host extends ReactiveControllerHost {
  renderRoot: HTMLElement | DocumentFragment;
}

export interface Wiring {
  ask(question: string): void;
  stop(): void;
  busy(): boolean;
  words(): Strings;
}

export class Composer {
  private length = 0;

  constructor(
    private readonly host: Host,
    private readonly wiring: Wiring,
  ) {}

  focus(): void {
    this.field?.focus();
  }

  render(busy: boolean): TemplateResult {
    const words = this.wiring.words();
    const left = MOST - this.length;
    return html`<form class="composer" part="composer" @submit=${(event: SubmitEvent) => this.submitted(event)}>
      <label class="hidden" for="question">${words.label}</label>
      <textarea id="question" part="input" rows="2" dir="auto" placeholder=${words.hint}
        aria-describedby=${this.length > SHOWN_FROM ? "left" : nothing}
        @input=${() => this.typed()} @keydown=${(event: KeyboardEvent) => this.pressed(event)}></textarea>
      <button type=${busy ? "button" : "submit"} class="send" part=${busy ? "stop" : "send"}
        ?disabled=${!busy && left < 0} @click=${busy ? () => this.wiring.stop() : nothing}>
        ${busy ? words.stop : words.send}
      </button>
      ${this.length > SHOWN_FROM
        ? html`<p id="left" class=${left < 0 ? "left over" : "left"} role="status">
            ${left < 0 ? counted(words, "over", -left) : counted(words, "left", left)}
          </p>`
        : nothing}
    </form>`;
  }

  private get field(): HTMLTextAreaElement | null {
    return this.host.renderRoot.querySelector<HTMLTextAreaElement>("#question");
  }

  private typed(): void {
    this.length = [...(this.field?.value ?? "")].length;
    this.host.requestUpdate();
  }

  private pressed(event: KeyboardEvent): void {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    (event.target as HTMLTextAreaElement).form?.requestSubmit();
  }

  private submitted(event: SubmitEvent): void {
    event.preventDefault();
    const question = this.field?.value.trim() ?? "";
    if (!question || this.length > MOST || this.wiring.busy()) return;
    if (this.field) this.field.value = "";
    this.length = 0;
    this.wiring.ask(question);
  }
}
