// The question field. Enter sends, Shift+Enter inserts a line break, and Enter that ends an input
// method's composition does not send.

import { html, nothing, type ReactiveControllerHost, type TemplateResult } from "lit";
import { pluralize, type Strings } from "./strings.js";

const MAX_CHARACTERS = 4_000;
const COUNTER_FROM = 0.8 * MAX_CHARACTERS;
const COMPOSITION_KEY_CODE = 229;

interface Host extends ReactiveControllerHost {
  renderRoot: HTMLElement | DocumentFragment;
}

export interface ComposerActions {
  ask(question: string): void;
  cancelEdit(): void;
  isEditing(): boolean;
  stop(): void;
  isBusy(): boolean;
  strings(): Strings;
}

export class Composer {
  #length = 0;

  constructor(
    private readonly host: Host,
    private readonly actions: ComposerActions,
  ) {}

  focus(): void {
    this.#field?.focus();
  }

  /** Sets the text of the field and focuses it, the caret after the text. */
  fill(text: string): void {
    const field = this.#field;
    if (!field) return;
    field.value = text;
    field.focus();
    this.#onInput();
  }

  render(isBusy: boolean): TemplateResult {
    const strings = this.actions.strings();
    const remaining = MAX_CHARACTERS - this.#length;
    const showsCounter = this.#length > COUNTER_FROM;
    return html`<form class="composer" part="composer" @submit=${(event: SubmitEvent) => this.#onSubmit(event)}>
      ${this.actions.isEditing() ? this.#editView(strings) : nothing}
      <label class="hidden" for="question">${strings.questionLabel}</label>
      <textarea id="question" part="input" rows="2" dir="auto" placeholder=${strings.placeholder}
        aria-describedby=${showsCounter ? "left" : nothing}
        @input=${() => this.#onInput()} @keydown=${(event: KeyboardEvent) => this.#onKeydown(event)}></textarea>
      <button type=${isBusy ? "button" : "submit"} class="send" part=${isBusy ? "stop" : "send"}
        ?disabled=${!isBusy && remaining < 0} @click=${isBusy ? () => this.actions.stop() : nothing}>
        ${isBusy ? strings.stop : strings.send}
      </button>
      ${showsCounter
        ? html`<p id="left" class=${remaining < 0 ? "left over" : "left"} role="status">
            ${pluralize(strings, remaining < 0 ? "charactersOver" : "charactersLeft", Math.abs(remaining))}
          </p>`
        : nothing}
    </form>`;
  }

  #editView(strings: Strings): TemplateResult {
    return html`<p class="editing">
      <span role="status">${strings.editing}</span>
      <button type="button" class="plain" @click=${() => this.actions.cancelEdit()}>${strings.cancel}</button>
    </p>`;
  }

  get #field(): HTMLTextAreaElement | null {
    return this.host.renderRoot.querySelector<HTMLTextAreaElement>("#question");
  }

  #onInput(): void {
    this.#length = [...(this.#field?.value ?? "")].length;
    this.host.requestUpdate();
  }

  #onKeydown(event: KeyboardEvent): void {
    const isComposing = event.isComposing || event.keyCode === COMPOSITION_KEY_CODE;
    if (event.key !== "Enter" || event.shiftKey || isComposing) return;
    event.preventDefault();
    (event.target as HTMLTextAreaElement).form?.requestSubmit();
  }

  #onSubmit(event: SubmitEvent): void {
    event.preventDefault();
    const question = this.#field?.value.trim() ?? "";
    if (!question || this.#length > MAX_CHARACTERS || this.actions.isBusy()) return;
    if (this.#field) this.#field.value = "";
    this.#length = 0;
    this.actions.ask(question);
  }
}
