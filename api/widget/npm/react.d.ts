import type { ForwardRefExoticComponent, HTMLAttributes, RefAttributes } from "react";
import type { Answer, ChatError, Citation, Feedback, FootnoteChatElement, FootnoteChatOptions } from "./v1.js";

type Options = Omit<FootnoteChatOptions, "server" | "starters">;

export interface FootnoteChatProps extends Options, Omit<HTMLAttributes<FootnoteChatElement>, "lang" | "onError"> {
  /** The service's URL. */
  server: string;
  /** Suggested questions. */
  starters?: string[] | undefined;
  onAnswer?: ((answer: Answer) => void) | undefined;
  onCitation?: ((citation: Citation) => void) | undefined;
  onFeedback?: ((feedback: Feedback) => void) | undefined;
  onError?: ((error: ChatError) => void) | undefined;
}

/** `<footnote-chat>` as a component; its `ref` is the element. */
export declare const FootnoteChat: ForwardRefExoticComponent<FootnoteChatProps & RefAttributes<FootnoteChatElement>>;
