// Numbers, times and sizes as the reader's language writes them, and text without hidden characters.

import { escapeHidden } from "../escape.js";
import type { Texts } from "./texts/index.js";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
const STEP = 1_000;
const UNKNOWN = "–";

/** Returns text of a file, reader or model with hidden and reordering characters as escapes. */
export const shown = (text: string | null | undefined): string => escapeHidden(text ?? "");

export function number({ code }: Texts, value: number | null | undefined, digits = 0): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return UNKNOWN;
  return value.toLocaleString(code, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function percent({ code }: Texts, value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return UNKNOWN;
  return value.toLocaleString(code, { style: "percent", maximumFractionDigits: 1 });
}

export function size({ code }: Texts, bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined || !Number.isFinite(bytes)) return UNKNOWN;
  let [value, power] = [bytes, 0];
  while (value >= STEP && power < UNITS.length - 1) [value, power] = [value / STEP, power + 1];
  const options = { style: "unit", unit: UNITS[power] as string, unitDisplay: "short" } as const;
  return value.toLocaleString(code, { ...options, maximumFractionDigits: value < 10 && power ? 1 : 0 });
}

/** Returns a moment in the reader's time zone; the text itself where it is none. */
export function moment({ code }: Texts, time: string | null | undefined): string {
  const date = new Date(time ?? "");
  if (!time || isNaN(+date)) return shown(time) || UNKNOWN;
  return date.toLocaleString(code, { dateStyle: "medium", timeStyle: "short" });
}

/** Returns a day or month as the language writes it; the text itself where it is none. */
export function day({ code }: Texts, date: string | null | undefined): string {
  const parsed = new Date(date ?? "");
  if (!date || !/^\d{4}(-\d\d){0,2}/.test(date) || isNaN(+parsed)) return shown(date) || UNKNOWN;
  const month = date[4] ? { month: "short" as const } : {};
  const dayOfMonth = date[7] ? { day: "numeric" as const } : {};
  return parsed.toLocaleDateString(code, { year: "numeric", ...month, ...dayOfMonth, timeZone: "UTC" });
}

export function duration(texts: Texts, ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return UNKNOWN;
  return ms < 1_000 ? `${number(texts, ms)} ms` : `${number(texts, ms / 1_000, 1)} s`;
}

/** Returns the name of a language tag in the reader's language; the tag where it has none. */
export function languageName({ code }: Texts, tag: string | null | undefined): string {
  if (!tag) return UNKNOWN;
  try {
    return new Intl.DisplayNames(code, { type: "language" }).of(tag) ?? shown(tag);
  } catch {
    return shown(tag);
  }
}
