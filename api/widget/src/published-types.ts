// Compares the published types, `../v1.d.ts`, with the element and the HTTP API; no part of the bundle.

import type * as published from "../v1.js";
import type { FootnoteChat } from "./chat.js";
import type { ChatError } from "./errors.js";
import type { Answer, Citation } from "./wire.js";

type Members = Omit<published.FootnoteChatElement, keyof HTMLElement>;

export const element = (chat: FootnoteChat): Members => chat;
export const settings = (members: Required<Members>): Partial<FootnoteChat> => members;
export const answer = (served: Answer): published.Answer => served;
export const citation = (served: Citation): published.Citation => served;
export const errorKind = (kind: ChatError["kind"]): published.ChatError["kind"] => kind;
