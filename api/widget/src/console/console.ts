// <footnote-console>: the page at /console. It shows the view that the address names, asks for a key
// where the service requires one, and shows messages and confirmations of the views.

import { html, LitElement, nothing, type TemplateResult } from "lit";
import { keyed } from "lit/directives/keyed.js";
import { createRef, ref } from "lit/directives/ref.js";
import { Api, type ApiError } from "./api.js";
import { shown } from "./format.js";
import { toApiError } from "./loader.js";
import { type Piece, select } from "./parts.js";
import { loadSession, type Session, signOut } from "./session.js";
import { fill, type Texts, textsFor } from "./texts/index.js";
import { type Confirmation, type ConsoleHost, errorText } from "./view.js";
import "./access.js";
import "./documents.js";
import "./feedback.js";
import "./quality.js";
import "./questions.js";

type ViewName = keyof Texts["views"];

const VIEWS: ViewName[] = ["documents", "questions", "feedback", "quality", "access"];
const MESSAGE_MS = 8_000;

export class FootnoteConsole extends LitElement implements ConsoleHost {
  static override properties = {
    address: { state: true },
    refusal: { state: true },
    message: { state: true },
    confirmation: { state: true },
    session: { state: true },
  };

  declare private address: string;
  declare private refusal: ApiError | undefined;
  declare private message: { text: string; isError: boolean } | undefined;
  declare private confirmation: Confirmation | undefined;
  declare private session: Session | undefined;

  readonly api = new Api();
  readonly texts = textsFor(document.documentElement.lang);
  readonly #dialog = createRef<HTMLDialogElement>();
  #answer: (confirmed: boolean) => void = () => undefined;
  #messageTimer = 0;
  readonly #onHashChange = (): void => this.#navigate();

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.address = location.hash;
    addEventListener("hashchange", this.#onHashChange);
    void this.#loadSession();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("hashchange", this.#onHashChange);
  }

  // --- what views call

  confirm(confirmation: Confirmation): Promise<boolean> {
    this.confirmation = confirmation;
    return new Promise((resolve) => {
      this.#answer = resolve;
      void this.updateComplete.then(() => this.#dialog.value?.showModal());
    });
  }

  announce(text: string, isError = false): void {
    clearTimeout(this.#messageTimer);
    this.message = { text, isError };
    if (!isError) this.#messageTimer = window.setTimeout(() => (this.message = undefined), MESSAGE_MS);
  }

  onRefused(error: ApiError): void {
    this.refusal = error;
  }

  // --- address and session

  get #route(): [ViewName, string[]] {
    const [name = "", ...rest] = this.address.replace(/^#?\/?/, "").split("/");
    const view = VIEWS.find((one) => one === name) ?? "documents";
    return [view, rest.filter(Boolean).map(decode)];
  }

  #navigate(): void {
    this.address = location.hash;
    void this.updateComplete.then(() => this.querySelector<HTMLElement>("main")?.focus());
  }

  async #loadSession(): Promise<void> {
    this.session = await loadSession(this.api);
  }

  #useKey(event: SubmitEvent): void {
    event.preventDefault();
    const key = new FormData(event.target as HTMLFormElement).get("key");
    this.api.useKey(typeof key === "string" && key.trim() ? key.trim() : null);
    this.refusal = undefined;
    void this.#loadSession();
  }

  #forgetKey(): void {
    this.api.useKey(null);
    location.reload(); // so that nothing of what the key showed is left
  }

  async #signOut(): Promise<void> {
    try {
      location.assign(await signOut(this.api));
    } catch (error) {
      this.announce(errorText(toApiError(error), this.texts), true);
    }
  }

  #chooseCollection(name: string): void {
    this.api.collection = name;
    this.requestUpdate();
  }

  // --- rendering

  override updated(): void {
    const [view] = this.#route;
    document.title = `${this.texts.views[view]} · ${this.texts.console} · Footnote`;
  }

  override render(): TemplateResult {
    return html`${this.#headerView()}
      <main tabindex="-1">${this.refusal ? this.#keyView(this.refusal) : this.#currentView()}</main>
      <div class="messages" role="status">${this.#messageView()}</div>
      ${this.#dialogView()}`;
  }

  #headerView(): TemplateResult {
    const { texts } = this;
    const [current] = this.#route;
    return html`<header class="top">
      <h1><img src="pages/icon.svg" alt="" width="28" height="28">Footnote <span>${texts.console}</span></h1>
      <nav aria-label=${texts.console}>${VIEWS.map((name) => html`<a href="#/${name}"
        aria-current=${name === current ? "page" : nothing}>${texts.views[name]}</a>`)}</nav>
      <div class="who">${this.#collectionsView()} ${this.#accountView()}</div>
    </header>`;
  }

  #collectionsView(): Piece {
    const { collections = [] } = this.session ?? {};
    if (collections.length < 2) return nothing;
    const current = this.api.collection ?? (collections.includes("default") ? "default" : (collections[0] ?? ""));
    const options = collections.map((name) => [name, shown(name)] as const);
    return select(this.texts.collection, options, current, (name) => this.#chooseCollection(name));
  }

  #accountView(): TemplateResult {
    const { texts, session } = this;
    const button = (text: string, click: () => void): TemplateResult =>
      html`<button type="button" class="plain" @click=${click}>${text}</button>`;
    return html`${session?.name ? html`<span class="quiet" dir="auto">${fill(texts.signedIn, shown(session.name))}</span>` : nothing}
      ${session?.canSignOut ? button(texts.signOut, () => void this.#signOut()) : nothing}
      ${this.api.hasKey ? button(texts.forgetKey, () => this.#forgetKey()) : nothing}`;
  }

  /** Each collection has views of its own, so that nothing of another stays. */
  #currentView(): TemplateResult {
    const [name, route] = this.#route;
    const views: Record<ViewName, () => TemplateResult> = {
      documents: () => html`<console-documents .host=${this} .route=${route}></console-documents>`,
      questions: () => html`<console-questions .host=${this} .route=${route}></console-questions>`,
      feedback: () => html`<console-feedback .host=${this} .route=${route}></console-feedback>`,
      quality: () => html`<console-quality .host=${this} .route=${route}></console-quality>`,
      access: () => html`<console-access .host=${this} .route=${route}></console-access>`,
    };
    return html`${keyed(this.api.collection, views[name]())}`;
  }

  #keyView(refusal: ApiError): TemplateResult {
    const { texts } = this;
    return html`<form class="key card" @submit=${(event: SubmitEvent) => this.#useKey(event)}>
      <h2>${texts.keyTitle}</h2>
      ${this.api.hasKey || refusal.status === 403 ? html`<p class="note" role="alert">${texts.keyRefused}</p>` : nothing}
      <p>${texts.keyIntro}</p>
      <label class="field">${texts.keyLabel}<input type="password" name="key" required autocomplete="off"></label>
      <button type="submit">${texts.useKey}</button>
      ${this.session?.signInUrl ? html`<a href=${this.session.signInUrl}>${texts.signIn}</a>` : nothing}
      <p class="quiet">${texts.keyCommand}</p>
    </form>`;
  }

  #messageView(): Piece {
    const { message, texts } = this;
    if (!message) return nothing;
    return html`<p class=${message.isError ? "message bad" : "message"} dir="auto">${shown(message.text)}
      <button type="button" class="plain" aria-label=${texts.close} @click=${() => (this.message = undefined)}>✕</button></p>`;
  }

  #dialogView(): TemplateResult {
    const { confirmation, texts } = this;
    const close = (confirmed: boolean): void => {
      this.#answer(confirmed);
      this.#dialog.value?.close();
    };
    const closed = (): void => {
      this.#answer(false); // unless it was answered
      this.confirmation = undefined;
    };
    return html`<dialog ${ref(this.#dialog)} aria-labelledby="confirm-title" @close=${closed}>
      ${confirmation ? html`<h2 id="confirm-title" dir="auto">${shown(confirmation.title)}</h2>
        <p dir="auto">${shown(confirmation.note)}</p>
        <div class="row">
          <button type="button" class="danger" @click=${() => close(true)}>${confirmation.action}</button>
          <button type="button" class="plain" autofocus @click=${() => close(false)}>${texts.cancel}</button>
        </div>` : nothing}
    </dialog>`;
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

customElements.define("footnote-console", FootnoteConsole);
