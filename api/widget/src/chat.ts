// <footnote-chat>: asks questions of the service that served the script, and shows answers whose
// sentences link to their sources. Attributes, events, slots and variables: README.md.

// The libraries and the views first: modules with similar text end up close together in the bundle,
// which saves 0.5 KB gzipped (28 November 2026).
import { LitElement, type PropertyValues, type TemplateResult, unsafeCSS } from "lit";
import "./markdown.js";
import { Client } from "./client.js";
import { type PanelState, panelView } from "./panel.js";

import styles from "./chat.css";
import { CitationPopover } from "./citation-popover.js";
import { clipboardText } from "./clipboard.js";
import { Composer } from "./composer.js";
import { Conversation, type ConversationListener } from "./conversation.js";
import { Credentials, type TokenProvider } from "./credentials.js";
import type { ChatError } from "./errors.js";
import { parseStarters } from "./starters.js";
import { getItem, setItem } from "./storage.js";
import { pluralize, type Strings, stringsFor } from "./strings.js";
import type { Rating, Turn } from "./turn.js";
import type { Answer, Citation, Ready } from "./wire.js";

const SCRIPT_URL = (document.currentScript as HTMLScriptElement | null)?.src ?? location.href;
const POLL_MS = 2_000;

export class FootnoteChat extends LitElement implements ConversationListener, PanelState {
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

  strings: Strings = stringsFor("en");
  readonly #credentials = new Credentials(() => this.tokenProvider);
  #client: Client | undefined;
  #conversation: Conversation | undefined;
  #pollTimer = 0;
  #lastScrolledTo: Turn | undefined;
  #scrollTop = 0;
  readonly #composer = new Composer(this, {
    ask: (question) => void this.ask(question),
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

  get turns(): Turn[] {
    return this.#conversation?.turns ?? [];
  }

  get isBusy(): boolean {
    return this.#conversation?.isBusy ?? false;
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
    if (!this.needsConsent) await this.#conversation?.ask(question);
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
    this.announcement = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#connect();
    if (this.hasUpdated) this.#onMoved();
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
    const sourceCount = new Set(answer.citations.map((citation) => citation.source)).size;
    const ready = pluralize(strings, "answerReady", sourceCount);
    const said = answer.conflicts?.length ? `${ready}. ${strings.conflict}` : ready;
    this.announcement = answer.answered ? said : strings.showingClosest;
    this.#emit("answer", answer);
  }

  onError({ kind, code, detail }: ChatError): void {
    const keyMessage = this.strings[code === "key_refused" ? "keyRefused" : "keyRequired"];
    this.announcement = kind === "key" ? keyMessage : "";
    this.#emit("error", { kind, code, message: detail });
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
    void this.#conversation?.retry(turn);
  }

  copy(turn: Turn): void {
    if (!turn.answer) return;
    const onEnd = (isCopied: boolean): void => {
      for (const other of this.turns) other.isCopied = isCopied && other === turn;
      this.announcement = isCopied ? this.strings.copied : this.strings.failed;
      this.requestUpdate();
    };
    const text = clipboardText(turn.answer, this);
    // a page without HTTPS has no clipboard, and a browser may deny access
    Promise.resolve().then(() => navigator.clipboard.writeText(text)).then(() => onEnd(true), () => onEnd(false));
  }

  rate(turn: Turn, rating: Rating | undefined): void {
    turn.feedback = rating;
    this.requestUpdate();
    this.#focusFeedback(turn);
  }

  sendFeedback(turn: Turn, comment: string): void {
    const { answer } = turn;
    const rating = turn.feedback === "up" || turn.feedback === "down" ? turn.feedback : turn.submittedRating;
    if (!answer || !rating) return;
    turn.submittedRating = rating;
    const { question, answer: text } = answer;
    const citations = answer.citations.map(({ source, quote }) => ({ source, quote }));
    const body = { rating, question, answer: text, citations, ...(comment.trim() && { comment }) };
    const onEnd = (result: "sent" | "failed"): void => {
      turn.feedback = result;
      this.requestUpdate();
      this.#focusFeedback(turn);
      if (result === "sent") this.#emit("feedback", { id: answer.id, rating, comment });
    };
    this.#client?.sendFeedback(answer.id, body).then(() => onEnd("sent"), () => onEnd("failed"));
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
    this.#composer.focus();
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
    const log = this.#find<HTMLElement>(".log");
    log?.addEventListener("scroll", () => {
      if (this.isConnected) this.#scrollTop = log.scrollTop;
    });
    this.renderRoot.addEventListener("keydown", (event) => this.#onKeydown(event as KeyboardEvent));
  }

  override updated(changed: PropertyValues): void {
    const launcher = this.#find<HTMLElement>(".launcher");
    if (launcher && !launcher.matches(":popover-open")) launcher.showPopover();
    const panel = this.#find<HTMLElement>(".panel");
    if (!this.isInline && panel && panel.matches(":popover-open") !== (this.isOpen ?? false)) {
      panel.togglePopover(this.isOpen);
      if (!changed.has("isOpen")) this.#restoreScroll();
      else if (this.isOpen) this.#composer.focus();
      else launcher?.focus();
    }
    this.#scrollToNewQuestion();
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

  /** Polls the readiness until the service is ready. */
  async #pollReady(): Promise<void> {
    clearTimeout(this.#pollTimer);
    this.ready = await this.#client?.ready();
    const pollsAgain = this.ready !== undefined && this.ready.status !== "ready" && this.isConnected;
    if (pollsAgain) this.#pollTimer = window.setTimeout(() => void this.#pollReady(), POLL_MS);
  }

  /** Restores what a browser resets when an element is moved: open popovers and the scroll position. */
  #onMoved(): void {
    this.requestUpdate();
    this.#restoreScroll();
  }

  #restoreScroll(): void {
    const log = this.#find<HTMLElement>(".log");
    if (log) log.scrollTop = this.#scrollTop;
  }

  #onKeydown(event: KeyboardEvent): void {
    if (event.key !== "Escape" || event.isComposing) return;
    if (!this.#popover.onEscape() && !this.isInline) this.close();
    event.stopPropagation();
  }

  #citationOf(chip: HTMLAnchorElement): Citation | undefined {
    const turn = this.turns.find(({ renderer }) => renderer.element.closest(".turn")?.contains(chip));
    return turn?.renderer.citations.get(Number(chip.dataset["n"]));
  }

  #find<T extends Element>(selector: string): T | null {
    return this.renderRoot.querySelector<T>(selector);
  }

  /** Moves the focus to the feedback form, or to the thumbs when it is closed: the focused element
   * may have been removed. */
  #focusFeedback(turn: Turn): void {
    void this.updateComplete.then(() => {
      const element = turn.renderer.element.closest(".turn");
      const target = element?.querySelector(".feedback textarea") ?? element?.querySelector(".tools .icon");
      (target as HTMLElement | null)?.focus();
    });
  }

  /** Scrolls a new question to the top, once: the text does not move while the answer streams. */
  #scrollToNewQuestion(): void {
    const log = this.#find<HTMLElement>(".log");
    const lastTurn = this.turns.at(-1);
    const element = lastTurn?.renderer.element.closest<HTMLElement>(".turn");
    if (!log || !element || lastTurn === this.#lastScrolledTo) return;
    this.#lastScrolledTo = lastTurn;
    const question = element.querySelector<HTMLElement>(".question");
    log.scrollTop = (question?.offsetTop ?? 0) - parseFloat(getComputedStyle(log).paddingTop);
  }

  #emit(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(`footnote-${name}`, { detail, bubbles: true, composed: true }));
  }
}

if (!customElements.get("footnote-chat")) customElements.define("footnote-chat", FootnoteChat);
