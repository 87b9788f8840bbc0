// Every word the widget says; `{}` is filled in, and `|` parts what is said of one from the rest.

import { de, es, fr, zh } from "./languages.js";

const en = {
  code: "en",
  title: "Ask the articles",
  open: "Ask a question",
  close: "Close",
  fresh: "New conversation",
  label: "Your question",
  hint: "Ask about the articles",
  send: "Ask",
  stop: "Stop",
  intro: "Every sentence of an answer shows which words of which article it rests on.",
  articles: "Answers from {} article.|Answers from {} articles.",
  log: "Conversation",
  searching: "Searching the articles…",
  found: "{} passage found|{} passages found",
  reading: "Reading them…",
  nearest: "The nearest passages",
  sources: "Sources",
  quoted: "Quoted: these are the sources’ own words; no language model is set up.",
  partial: "Found by words alone: the articles are still being indexed.",
  degraded: "Quoted: the language model failed, so these are the sources’ own words.",
  worded: "Worded by {}; each sentence was checked against its source.",
  refused: "Not answered",
  nothing_retrieved: "Nothing in the articles matches.",
  low_confidence: "No passage fits well enough to answer from.",
  model_declined: "The model found no answer in the passages.",
  unsupported_all: "No sentence of the draft was supported by the articles.",
  index_empty: "", // the refusal says it in English
  unsupported: "Not supported by its source",
  uncited: "No source was given",
  stopped: "Stopped. The answer is not complete.",
  offline: "The service cannot be reached.",
  lost: "The connection was lost before the answer was complete.",
  failed: "Something went wrong.",
  retry: "Ask again",
  ready: "Answer ready, {} source|Answer ready, {} sources",
  not_answered: "Not answered; the nearest passages are shown",
  page: "page {}",
  line: "line {}",
  source: "Open source",
  tab: "opens in a new tab",
  copy: "Copy with sources",
  copied: "Copied",
  good: "Good answer",
  bad: "Bad answer",
  tell: "Your question and this answer are sent with it.",
  comment: "What was good or wrong? (optional)",
  give: "Send",
  cancel: "Cancel",
  thanks: "Thank you, it was sent.",
  unsent: "It could not be sent.",
  left: "{} character left|{} characters left",
  over: "{} character too long|{} characters too long",
  key: "This service asks for a key",
  key_refused: "That key was not accepted",
  key_label: "Key",
  key_use: "Use this key",
  key_note: "It is kept until this tab is closed.",
  building: "The articles are being indexed; questions can be asked soon.",
  mismatch: "This page holds another version of the chat than the service. Reload it.",
  agree: "Continue",
};

export type Strings = typeof en;

const LANGUAGES: Record<string, Strings> = { en, de, fr, es, zh };

/** Returns the words of the first language known, English otherwise. */
export function strings(...wanted: (string | null | undefined)[]): Strings {
  for (const language of wanted) {
    const known = (language ?? "").toLowerCase().split("-")[0] ?? "";
    const found = LANGUAGES[known];
    if (found) return found;
  }
  return en;
}

export function fill(text: string, value: string | number): string {
  return text.replace("{}", () => String(value));
}

/** Returns what is said of so many, in the plural that the language has for the number. */
export function counted(
  words: Strings, key: "articles" | "found" | "ready" | "left" | "over", count: number,
): string {
  const [one, rest = one] = words[key].split("|");
  const plural = new Intl.PluralRules(words.code).select(count);
  return fill((plural === "one" ? one : rest) ?? "", count);
}
