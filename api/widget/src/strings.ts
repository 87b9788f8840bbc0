// Looks up and formats the UI texts of languages/.

import { en, type Strings } from "./languages/en.js";
import { LANGUAGES } from "./languages/index.js";

export type { Strings };

type PluralKey = { [Key in keyof Strings]: Strings[Key] extends { other: string } ? Key : never }[keyof Strings];

/** Returns the texts of the first language tag that has a translation, English otherwise. */
export function stringsFor(...tags: (string | null | undefined)[]): Strings {
  for (const tag of tags) {
    const strings = LANGUAGES[(tag ?? "").toLowerCase().split("-")[0] ?? ""];
    if (strings) return strings;
  }
  return en;
}

export function format(text: string, value: string | number): string {
  return text.replace("{}", () => String(value));
}

/** Returns the text in the language's plural form for `count`. */
export function pluralize(strings: Strings, key: PluralKey, count: number): string {
  const forms = strings[key];
  return format(forms[new Intl.PluralRules(strings.code).select(count)] ?? forms.other, count);
}

/** Returns a date (`YYYY`, `YYYY-MM` or `YYYY-MM-DD`) as the language writes it; empty if it is none. */
export function formatDate({ code }: Strings, date: string | null | undefined): string {
  const day = new Date(date ?? "");
  if (!date || !/^\d{4}(-\d\d){0,2}$/.test(date) || isNaN(+day)) return "";
  const parts = { ...(date[4] && { month: "long" as const }), ...(date[7] && { day: "numeric" as const }) };
  return day.toLocaleDateString(code, { year: "numeric", ...parts, timeZone: "UTC" });
}

/** Returns the page or line of a citation or passage; may be empty. */
export function formatLocation(strings: Strings, at: { page: number | null; line?: number }): string {
  if (at.page !== null) return format(strings.page, at.page);
  return at.line === undefined ? "" : format(strings.line, at.line);
}
