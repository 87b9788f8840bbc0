// <footnote-chat>: asks questions of the service that served the script, and shows answers whose
// sentences link to their sources. Attributes, events, slots and variables: README.md.

// The libraries and the views first: modules with similar text end up close together in the bundle,
// which saves 0.5 KB gzipped (28 November 2026).
import { LitElement, type PropertyValues, type TemplateResult, unsafeCSS } from "lit";
import "./markdown.js";
import { Client } from "./client.js";
import { type PanelState, panelView } from "./panel.js";

import { AnswerTools, type ToolsHost } from "./answer-tools.js";
import styles from "./chat.css";
import { CitationPopover } from "./citation-popover.js";
import { Composer } from "./composer.js";
import { Conversation, type ConversationListener } from "./conversation.js";
import { Credentials, type TokenProvider } from "./credentials.js";
import type { ChatError } from "./errors.js";
import { LogScroll } from "./log-scroll.js";
import { parseStarters } from "./starters.js";
import { getItem, setItem } from "./storage.js";
import { pluralize, type Strings, stringsFor } from "./strings.js";
import type { Turn } from "./turn.js";
import { countSources } from "./turn-view.js";
import type { Answer, Citation, Ready } from "./wire.js";

const SCRIPT_URL = (document.currentScript as HTMLScriptElement | null)?.src ?? location.href;
const POLL_MS = 2_000;

export class FootnoteChat extends LitElement implements ConversationListener, PanelState, ToolsHost {
  static override styles = unsafeCSS(styles);
  static override properties = {
    server: { type: String },
    collection: { type: String },
    mode: { type: String },
    theme: { type: String },
    lang: { type: String },
    starters: { converter: (value: string | null) => value },
    tokenProvider: { attribute: false },
    isOpen: { state: true },
    ready: { state: true },
    announcement: { state: true },
    hasConsent: { state: true },
    edited: { state: true },
  };

  declare server: string | undefined;
  declare collection: string | undefined;
  declare mode: "launcher" | "inline" | undefined;
  declare theme: "light" | "dark" | "auto" | undefined;
  /** Suggested questions: a list, or a text as in the attribute; frameworks set either. */
  declare starters: string[] | string | null | undefined;
  /** Returns a token from the site's back end; called before the first request and after a 401. */
  declare tokenProvider: TokenProvider | undefined;
  declare isOpen: boolean;
  declare ready: Ready | undefined;
  declare announcement: string;
  declare private hasConsent: boolean;
  /** The turn that the next question replaces. */
  declare edited: Turn | undefined;

  strings: Strings = stringsFor("en");
  readonly tools = new AnswerTools(this);
  readonly #credentials = new Credentials(() => this.tokenProvider);
  #client: Client | undefined;
  #conversation: Conversation | undefined;
  #pollTimer = 0;
  readonly #scroll = new LogScroll();
  readonly #composer = new Composer(this, {
    ask: (question) => void this.#ask(question, this.edited),
    cancelEdit: () => this.cancelEdit(),
    isEditing: () => this.edited !== undefined,
    stop: () => this.#conversation?.stop(),
    isBusy: () => this.isBusy,
    strings: () => this.strings,
  });
  readonly #popover = new CitationPopover(
    (chip) => this.#citationOf(chip),
    () => this.strings,
  );

  get isInline(): boolean {
    return this.mode === "inline";
  }

  get client(): Client | undefined {
    return this.#client;
  }

  get turns(): Turn[] {
    return this.#conversation?.turns ?? [];
  }

  get isBusy(): boolean {
    return this.#conversation?.isBusy ?? false;
  }

  get signInUrl(): string | undefined {
    const server = this.#client?.server ?? "";
    if (!this.ready?.sign_in || !server.startsWith(`${location.origin}/`)) return undefined;
    const url = new URL(this.ready.sign_in, server);
    url.searchParams.set("next", location.pathname + location.search);
    return url.href;
  }

  get starterQuestions(): string[] {
    return parseStarters(this.starters);
  }

  /** Whether the site requires consent that the reader has not given yet. */
  get needsConsent(): boolean {
    return !this.hasConsent && !getItem("consent") && this.querySelector("[slot=consent]") !== null;
  }

  /** Opens the panel and asks a question. Resolves when the answer ends; sends nothing while consent
   * is required. */
  async ask(question: string): Promise<void> {
    this.open();
    if (!this.needsConsent) await this.#ask(question);
  }

  open(): void {
    this.#connect();
    if (this.isOpen) return;
    this.isOpen = true;
    void this.#pollReady();
  }

  close(): void {
    this.#popover.close();
    this.isOpen = false;
  }

  /** Deletes the conversation. */
  clear(): void {
    this.#conversation?.clear();
    this.edited = undefined;
    this.announcement = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#connect();
    this.requestUpdate(); // a move in the page has closed the popovers
    this.#scroll.restore();
    if (this.isInline || this.isOpen) void this.#pollReady();
  }

  /** Stops a running answer, unless the element was only moved: frameworks move it in one task. */
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#pollTimer);
    setTimeout(() => {
      if (!this.isConnected) this.#conversation?.stop();
    });
  }

  // --- callbacks of the conversation and the views

  onChange(): void {
    this.requestUpdate();
  }

  onAnswer(answer: Answer): void {
    const { strings } = this;
    const ready = pluralize(strings, "answerReady", countSources(answer));
    const said = answer.conflicts?.length ? `${ready}. ${strings.conflict}` : ready;
    this.announcement = answer.answered ? said : strings.showingClosest;
    this.emit("answer", answer);
  }

  onError({ kind, code, detail }: ChatError): void {
    const missing = this.signInUrl ? "signInRequired" : "keyRequired";
    const keyMessage = this.strings[code === "key_refused" && !this.signInUrl ? "keyRefused" : missing];
    this.announcement = kind === "key" ? keyMessage : "";
    this.emit("error", { kind, code, message: detail });
  }

  /** Returns the absolute URL of a source view of the service; undefined for any other URL. */
  readonly viewUrl = ({ url }: { url: string }): string | undefined => {
    const root = new URL(this.#client?.server ?? location.href);
    const resolved = URL.parse(url.startsWith("/v1/") ? url.slice(1) : url, root);
    const views = new URL("v1/sources/", root).href;
    return resolved?.href.startsWith(views) ? resolved.href : undefined;
  };

  retry(turn: Turn): void {
    this.#find<HTMLElement>(".log")?.focus();
    void this.#ask(turn.question, turn);
  }

  /** Puts a question back into the question field; the next question replaces it and its answer. */
  edit(turn: Turn): void {
    this.edited = turn;
    this.#composer.fill(turn.question);
  }

  cancelEdit(): void {
    this.edited = undefined;
    this.#composer.fill("");
  }

  /** Stores an API key and retries the question that requires it. */
  useKey(key: string): void {
    if (this.#client) this.#credentials.useKey(this.#client.server, key);
    const turn = this.turns.find(({ error }) => error?.kind === "key");
    if (turn) this.retry(turn);
  }

  giveConsent(): void {
    setItem("consent", "given");
    this.hasConsent = true;
  }

  askStarter(question: string): void {
    this.#find<HTMLElement>(".log")?.focus();
    void this.ask(question);
  }

  startNewChat(): void {
    this.clear();
    this.#composer.fill("");
  }

  // --- rendering

  override willUpdate(changed: PropertyValues): void {
    const pageLanguage = this.closest<HTMLElement>("[lang]")?.lang;
    this.strings = stringsFor(this.lang, pageLanguage, ...navigator.languages);
    if (changed.has("server") || changed.has("collection")) this.#connect();
  }

  override firstUpdated(): void {
    const root = this.#find<HTMLElement>(".root");
    root?.append(this.#popover.element);
    if (root) this.#popover.attach(root);
    this.#scroll.attach(this.#find<HTMLElement>(".log"));
    this.renderRoot.addEventListener("keydown", (event) => this.#onKeydown(event as KeyboardEvent));
  }

  override updated(changed: PropertyValues): void {
    const launcher = this.#find<HTMLElement>(".launcher");
    if (launcher && !launcher.matches(":popover-open")) launcher.showPopover();
    const panel = this.#find<HTMLElement>(".panel");
    if (!this.isInline && panel && panel.matches(":popover-open") !== (this.isOpen ?? false)) {
      panel.togglePopover(this.isOpen);
      if (!changed.has("isOpen")) this.#scroll.restore();
      else if (this.isOpen) this.#composer.focus();
      else launcher?.focus();
    }
    this.#scroll.showQuestion(this.turns.at(-1));
  }

  override render(): TemplateResult {
    return panelView(this, this.#composer.render(this.isBusy));
  }

  // --- private

  /** Creates the client and the conversation for the current server and collection. */
  #connect(): void {
    const base = this.server ?? SCRIPT_URL.replace(/widget\/[^]*$/, "");
    const server = new URL(base.endsWith("/") ? base : `${base}/`, location.href).href;
    if (this.#client?.server === server && this.#conversation?.collection === this.collection) return;
    this.#conversation?.stop();
    this.#client = new Client(server, this.#credentials);
    this.#conversation = new Conversation(this.#client, this.collection, this);
  }

  /** Asks a question; its answer takes the place of `replaced`. */
  async #ask(question: string, replaced?: Turn): Promise<void> {
    this.edited = undefined;
    await this.#conversation?.ask(question, replaced);
  }

  /** Polls the readiness until the service is ready. */
  async #pollReady(): Promise<void> {
    clearTimeout(this.#pollTimer);
    this.ready = await this.#client?.ready();
    const pollsAgain = this.ready !== undefined && this.ready.status !== "ready" && this.isConnected;
    if (pollsAgain) this.#pollTimer = window.setTimeout(() => void this.#pollReady(), POLL_MS);
  }

  #onKeydown(event: KeyboardEvent): void {
    if (event.key !== "Escape" || event.isComposing) return;
    if (!this.#popover.onEscape()) {
      if (this.edited) this.cancelEdit();
      else if (!this.isInline) this.close();
    }
    event.stopPropagation();
  }

  #citationOf(chip: HTMLAnchorElement): Citation | undefined {
    const turn = this.turns.find(({ renderer }) => renderer.element.closest(".turn")?.contains(chip));
    return turn?.renderer.citations.get(Number(chip.dataset["n"]));
  }

  #find<T extends Element>(selector: string): T | null {
    return this.renderRoot.querySelector<T>(selector);
  }

  emit(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(`footnote-${name}`, { detail, bubbles: true, composed: true }));
  }
}

if (!customElements.get("footnote-chat")) customElements.define("footnote-chat", FootnoteChat);
