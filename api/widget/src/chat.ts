// <footnote-chat>: asks the service it was loaded from and shows answers whose every sentence opens
// its source. Attributes, events, slots and variables: README.md.

import { LitElement, type PropertyValues, type TemplateResult, unsafeCSS } from "lit";
import { Access, type TokenProvider } from "./access.js";
import styles from "./chat.css";
import { Client } from "./client.js";
import { Composer } from "./composer.js";
import { Conversation, type Listener } from "./conversation.js";
import { Trouble } from "./errors.js";
import { read, write } from "./memory.js";
import { Proof } from "./proof.js";
import { type Shell, shellView } from "./shell.js";
import { counted, type Strings, strings } from "./strings.js";
import type { Turn } from "./turn.js";
import { type Actions, copied, place } from "./views.js";
import type { Answer, Citation, Ready } from "./wire.js";

const SCRIPT = (document.currentScript as HTMLScriptElement | null)?.src ?? location.href;
const POLL_MS = 2_000;

export class FootnoteChat extends LitElement implements Listener, Actions, Shell {
  static override styles = unsafeCSS(styles);
  static override properties = {
    server: { type: String },
    collection: { type: String },
    mode: { type: String },
    theme: { type: String },
    lang: { type: String },
    starters: {
      converter: (value: string | null) => (value ?? "").split("|").map((part) => part.trim()).filter(Boolean),
    },
    shown: { state: true },
    ready: { state: true },
    said: { state: true },
    agreed: { state: true },
  };

  declare server: string | undefined;
  declare collection: string | undefined;
  declare mode: "launcher" | "inline" | undefined;
  declare theme: "light" | "dark" | "auto" | undefined;
  declare starters: string[] | undefined;
  declare shown: boolean;
  declare ready: Ready | undefined;
  declare said: string;
  declare private agreed: boolean;

  words: Strings = strings("en");
  private readonly access = new Access();
  private client: Client | undefined;
  private talk: Conversation | undefined;
  private timer = 0;
  private topmost: Turn | undefined;
  private readonly composer = new Composer(this, {
    ask: (question) => void this.ask(question),
    stop: () => this.talk?.stop(),
    busy: () => this.busy,
    words: () => this.words,
  });
  private readonly proof = new Proof(
    (chip) => this.cited(chip),
    () => ({ place: (at) => place(this.words, at), open: this.words.source }),
  );

  /** Where a site's back end hands over a token: called before the first request and after a 401. */
  get tokenProvider(): TokenProvider | undefined {
    return this.access.provider;
  }

  set tokenProvider(provider: TokenProvider | undefined) {
    this.access.provider = provider;
  }

  get inline(): boolean {
    return this.mode === "inline";
  }

  get turns(): Turn[] {
    return this.talk?.turns ?? [];
  }

  get busy(): boolean {
    return this.talk?.busy ?? false;
  }

  /** Does the site have something that the reader must agree to first? */
  get asksConsent(): boolean {
    return !this.agreed && !read("consent") && this.querySelector("[slot=consent]") !== null;
  }

  /** Asks a question as if it had been typed; opens the panel. Resolves when the answer has ended;
   * nothing is sent before the reader has agreed to what the site put into `consent`. */
  async ask(question: string): Promise<void> {
    this.open();
    if (!this.asksConsent) await this.talk?.ask(question);
  }

  open(): void {
    this.settle();
    if (this.shown) return;
    this.shown = true;
    void this.look();
  }

  close(): void {
    this.proof.hide();
    this.shown = false;
  }

  /** Forgets the conversation. */
  clear(): void {
    this.talk?.clear();
    this.said = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.settle();
    if (this.inline) void this.look();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer);
    this.talk?.stop();
  }

  // --- what a conversation and its views need

  changed(): void {
    this.requestUpdate();
  }

  answered(_: Turn, answer: Answer): void {
    const count = new Set(answer.citations.map((citation) => citation.source)).size;
    this.said = answer.answered ? counted(this.words, "ready", count) : this.words.not_answered;
    this.tell("answer", answer);
  }

  failed(_: Turn, trouble: Trouble): void {
    this.said = trouble.kind !== "key" ? "" : this.words[trouble.code === "key_refused" ? "key_refused" : "key"];
    this.tell("error", { kind: trouble.kind, code: trouble.code, message: trouble.detail });
  }

  /** Returns the address of one of the service's own views; nothing for any other. */
  readonly link = ({ url }: { url: string }): string | undefined => {
    const root = new URL(this.client?.server ?? location.href);
    const given = URL.parse(url.startsWith("/v1/") ? url.slice(1) : url, root);
    const views = new URL("v1/sources/", root).href;
    return given?.href.startsWith(views) ? given.href : undefined;
  };

  again(turn: Turn): void {
    this.inside<HTMLElement>(".log")?.focus();
    void this.talk?.again(turn);
  }

  copy(turn: Turn): void {
    if (!turn.answer) return;
    const ended = (well: boolean): void => {
      for (const one of this.turns) one.copied = well && one === turn;
      this.said = well ? this.words.copied : this.words.failed;
      this.requestUpdate();
    };
    // a page without https has no clipboard, and a browser may refuse it
    const text = copied(turn.answer, this);
    Promise.resolve().then(() => navigator.clipboard.writeText(text)).then(() => ended(true), () => ended(false));
  }

  rate(turn: Turn, rating: "up" | "down" | undefined): void {
    turn.feedback = rating;
    this.requestUpdate();
    this.refocus(turn);
  }

  send(turn: Turn, comment: string): void {
    const { answer } = turn;
    const rating = turn.feedback === "up" || turn.feedback === "down" ? turn.feedback : turn.rated;
    if (!answer || !rating) return;
    turn.rated = rating;
    const { question, answer: text, citations } = answer;
    const cited = citations.map(({ source, quote }) => ({ source, quote }));
    const body = { rating, question, answer: text, citations: cited, ...(comment.trim() && { comment }) };
    const done = (how: "sent" | "failed"): void => {
      turn.feedback = how;
      this.requestUpdate();
      this.refocus(turn);
      if (how === "sent") this.tell("feedback", { id: answer.id, rating, comment });
    };
    this.client?.feedback(answer.id, body).then(() => done("sent"), () => done("failed"));
  }

  key(key: string): void {
    if (this.client) this.access.use(this.client.server, key);
    const waiting = this.talk?.turns.find((turn) => turn.trouble?.kind === "key");
    if (waiting) this.again(waiting);
  }

  agree(): void {
    write("consent", "given");
    this.agreed = true;
  }

  begin(starter: string): void {
    this.inside<HTMLElement>(".log")?.focus();
    void this.ask(starter);
  }

  anew(): void {
    this.clear();
    this.composer.focus();
  }

  // --- drawing

  override willUpdate(changed: PropertyValues): void {
    const around = this.closest<HTMLElement>("[lang]")?.lang;
    this.words = strings(this.lang, around, navigator.language);
    if (changed.has("server") || changed.has("collection")) this.settle();
  }

  override firstUpdated(): void {
    const root = this.renderRoot.querySelector<HTMLElement>(".root");
    root?.append(this.proof.element);
    if (root) this.proof.watch(root);
    this.renderRoot.addEventListener("keydown", (event) => this.pressed(event as KeyboardEvent));
  }

  override updated(): void {
    const launcher = this.inside<HTMLElement>(".launcher");
    if (launcher && !launcher.matches(":popover-open")) launcher.showPopover();
    const panel = this.inside<HTMLElement>(".panel");
    if (!this.inline && panel && panel.matches(":popover-open") !== (this.shown ?? false)) {
      panel.togglePopover(this.shown);
      if (this.shown) this.composer.focus();
      else launcher?.focus();
    }
    this.follow();
  }

  override render(): TemplateResult {
    return shellView(this, this.composer.render(this.busy));
  }

  // --- the rest

  private settle(): void {
    const given = this.server ?? SCRIPT.replace(/widget\/[^]*$/, "");
    const server = new URL(given.endsWith("/") ? given : `${given}/`, location.href).href;
    if (this.client?.server === server && this.talk?.collection === this.collection) return;
    this.talk?.stop();
    this.client = new Client(server, this.access);
    this.talk = new Conversation(this.client, this.collection, this);
  }

  private async look(): Promise<void> {
    clearTimeout(this.timer);
    this.ready = await this.client?.ready();
    const waits = this.ready !== undefined && this.ready.status !== "ready" && this.isConnected;
    if (waits) this.timer = window.setTimeout(() => void this.look(), POLL_MS);
  }

  private pressed(event: KeyboardEvent): void {
    if (event.key !== "Escape" || event.isComposing) return;
    if (!this.proof.escape() && !this.inline) this.close();
    event.stopPropagation();
  }

  private cited(chip: HTMLAnchorElement): Citation | undefined {
    const turn = this.talk?.turns.find((one) => one.text.element.contains(chip));
    return turn?.text.citations.get(Number(chip.dataset["n"]));
  }

  private inside<T extends Element>(selector: string): T | null {
    return this.renderRoot.querySelector<T>(selector);
  }

  /** Puts the focus where the feedback goes on: what had it may be gone. */
  private refocus(turn: Turn): void {
    void this.updateComplete.then(() => {
      const place = turn.text.element.closest(".turn");
      const goal = place?.querySelector(".feedback textarea") ?? place?.querySelector(".tools .icon");
      (goal as HTMLElement | null)?.focus();
    });
  }

  /** Puts a new question at the top, once: what is being read does not move. */
  private follow(): void {
    const log = this.inside<HTMLElement>(".log");
    const last = this.talk?.turns.at(-1);
    const place = last?.text.element.closest<HTMLElement>(".turn");
    if (!log || !place || last === this.topmost) return;
    this.topmost = last;
    const question = place.querySelector<HTMLElement>(".question");
    log.scrollTop = (question?.offsetTop ?? 0) - parseFloat(getComputedStyle(log).paddingTop);
  }

  private tell(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(`footnote-${name}`, { detail, bubbles: true, composed: true }));
  }
}

if (!customElements.get("footnote-chat")) customElements.define("footnote-chat", FootnoteChat);
