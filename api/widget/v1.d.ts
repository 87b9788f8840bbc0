// Types of <footnote-chat>: its properties, methods and events, JSX for React, components for Vue.
// The service serves this file as `/widget/v1.d.ts`, beside the script; the npm package has it, too.
// Put it into a project's sources, or install the package. Documentation: README.md.

/** Returns a token of the service: from your back end, which requests it with its key. */
export type TokenProvider = () => string | Promise<string>;

export interface Citation {
  /** The number in the answer's `[n]`. */
  n: number;
  source_id: string;
  /** The path of the source, with `/`. */
  source: string;
  title: string;
  heading: string | null;
  page: number | null;
  line: number;
  /** `quote` is `start:end` of the source's text, in code points. */
  start: number;
  end: number;
  quote: string;
  before: string;
  after: string;
  /** ISO 8601, as the source states it. */
  date?: string | null;
  unit?: "sentence" | "heading" | "row" | "item" | "code" | "field";
  /** The page that the source is a copy of. */
  source_url?: string | null;
  /** A link that shows the quote in its source. */
  url: string;
}

export interface Sentence {
  text: string;
  /** Offsets into the answer, in code points. */
  start: number;
  end: number;
  status: "supported" | "unsupported" | "uncited" | "remark";
  why: string | null;
  /** The numbers of its citations. */
  citations: number[];
}

export interface Passage {
  /** From 1. */
  rank: number;
  source_id: string;
  source: string;
  title: string;
  heading: string | null;
  text: string;
  score: number;
  url: string;
}

/** What `POST /v1/answers` returns; the service's `openapi.json` has all of its fields. */
export interface Answer {
  id: string;
  question: string;
  kind?: string;
  /** BCP 47, of the question. */
  language?: string | null;
  answer: string;
  format: "text" | "markdown";
  answered: boolean;
  reason: string | null;
  confidence: number;
  tentative?: boolean;
  answerer: "extractive" | "model";
  model: string | null;
  degraded: boolean;
  sentences: Sentence[];
  citations: Citation[];
  passages: Passage[];
  /** Questions that the articles answer, near one that they do not. */
  suggestions?: string[];
}

export interface Feedback {
  /** The id of the answer. */
  id: string;
  rating: "up" | "down";
  comment: string;
}

export interface ChatError {
  /** No connection; connection lost during the answer; request refused; API key required. */
  kind: "offline" | "lost" | "refused" | "key";
  code: string;
  message: string;
}

/** The events, each with its `detail`; all of them bubble. */
export interface FootnoteChatEventMap {
  "footnote-answer": CustomEvent<Answer>;
  "footnote-citation": CustomEvent<Citation>;
  "footnote-feedback": CustomEvent<Feedback>;
  "footnote-error": CustomEvent<ChatError>;
}

/** What attributes and properties have in common. */
export interface FootnoteChatOptions {
  /** The service's URL; default: where the script was loaded from. */
  server?: string | undefined;
  collection?: string | undefined;
  /** A button in the corner (the default), or part of the page. */
  mode?: "launcher" | "inline" | undefined;
  theme?: "auto" | "light" | "dark" | undefined;
  /** Default: the page's language, then the browser's. */
  lang?: string | undefined;
  /** Suggested questions: a list, or a text: a JSON array, or separated by `|` or lines. */
  starters?: string[] | string | null | undefined;
  /** A property only: called before the first request and after a 401. */
  tokenProvider?: TokenProvider | undefined;
}

export interface FootnoteChatElement extends HTMLElement {
  server: string | undefined;
  collection: string | undefined;
  mode: "launcher" | "inline" | undefined;
  theme: "auto" | "light" | "dark" | undefined;
  starters: string[] | string | null | undefined;
  tokenProvider: TokenProvider | undefined;

  /** Opens the panel and asks; resolves when the answer ends. */
  ask(question: string): Promise<void>;
  open(): void;
  close(): void;
  /** Deletes the conversation. */
  clear(): void;

  addEventListener<Name extends keyof FootnoteChatEventMap>(
    type: Name,
    listener: (this: FootnoteChatElement, event: FootnoteChatEventMap[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener<Name extends keyof HTMLElementEventMap>(
    type: Name,
    listener: (this: HTMLElement, event: HTMLElementEventMap[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "footnote-chat": FootnoteChatElement;
  }

  interface GlobalEventHandlersEventMap extends FootnoteChatEventMap {}
}

/** React 19 adds a listener for each property that begins with `on`. */
export interface FootnoteChatListeners {
  "onfootnote-answer"?: ((event: CustomEvent<Answer>) => void) | undefined;
  "onfootnote-citation"?: ((event: CustomEvent<Citation>) => void) | undefined;
  "onfootnote-feedback"?: ((event: CustomEvent<Feedback>) => void) | undefined;
  "onfootnote-error"?: ((event: CustomEvent<ChatError>) => void) | undefined;
}

/** In a template of Vue: `@footnote-answer="…"`. */
export interface FootnoteChatVueListeners {
  onFootnoteAnswer?: ((event: CustomEvent<Answer>) => void) | undefined;
  onFootnoteCitation?: ((event: CustomEvent<Citation>) => void) | undefined;
  onFootnoteFeedback?: ((event: CustomEvent<Feedback>) => void) | undefined;
  onFootnoteError?: ((event: CustomEvent<ChatError>) => void) | undefined;
}

// A project has one of the two libraries or neither; the other declaration is ignored.

// @ts-ignore
declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      // @ts-ignore
      "footnote-chat": DetailedHTMLProps<HTMLAttributes<FootnoteChatElement>, FootnoteChatElement> & FootnoteChatOptions & FootnoteChatListeners;
    }
  }
}

// @ts-ignore
declare module "vue" {
  interface GlobalComponents {
    // @ts-ignore
    "footnote-chat": new () => { $props: import("vue").HTMLAttributes & FootnoteChatOptions & FootnoteChatVueListeners };
  }
}
