import type { DefineComponent, ShallowRef } from "vue";
import type { Answer, ChatError, Citation, Feedback, FootnoteChatElement, FootnoteChatOptions } from "./v1.js";

export interface FootnoteChatProps extends Omit<FootnoteChatOptions, "server" | "starters"> {
  /** The service's URL. */
  server: string;
  /** Suggested questions. */
  starters?: string[] | undefined;
  onAnswer?: ((answer: Answer) => void) | undefined;
  onCitation?: ((citation: Citation) => void) | undefined;
  onFeedback?: ((feedback: Feedback) => void) | undefined;
  onError?: ((error: ChatError) => void) | undefined;
}

/** What a template ref of the component has. */
export interface FootnoteChatExposed {
  element: ShallowRef<FootnoteChatElement | null>;
  ask(question: string): Promise<void>;
  open(): void;
  close(): void;
  clear(): void;
}

/** `<footnote-chat>` as a component. */
export declare const FootnoteChat: DefineComponent<FootnoteChatProps, FootnoteChatExposed>;
