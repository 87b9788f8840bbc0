// The languages of the console, by the primary subtag of their BCP 47 tag, and how texts are filled in.

import type { PluralForms } from "../../languages/en.js";
import { de } from "./de.js";
import { en, type Texts } from "./en.js";
import { es } from "./es.js";
import { fr } from "./fr.js";
import { zh } from "./zh.js";

export type { Texts };

const LANGUAGES: Record<string, Texts> = { en, de, fr, es, zh };

/** Returns the texts of a language tag; English where there is no translation. */
export const textsFor = (tag: string): Texts => LANGUAGES[tag.toLowerCase().split("-")[0] ?? ""] ?? en;

/** Puts values into the placeholders of a text, in order. */
export function fill(text: string, ...values: (string | number)[]): string {
  const rest = [...values];
  return text.replace(/\{\}/g, () => String(rest.shift() ?? ""));
}

/** Returns the text in the language's plural form for `count`. */
export function plural({ code }: Texts, forms: PluralForms, count: number): string {
  return fill(forms[new Intl.PluralRules(code).select(count)] ?? forms.other, count.toLocaleString(code));
}

/** Returns the text of a word that the service sends; the word itself where it has none. */
export function labelOf(labels: Record<string, string>, word: string | null | undefined): string {
  return word && Object.hasOwn(labels, word) ? (labels[word] ?? word) : (word ?? "");
}
