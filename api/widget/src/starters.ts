// The suggested questions that a site sets, as an attribute or a property.

/** Returns the questions of a list, of a JSON array, or of a text that separates them by `|` or by lines. */
export function parseStarters(value: unknown): string[] {
  const items = typeof value === "string" ? splitText(value) : value;
  if (!Array.isArray(items)) return [];
  return items.filter((item) => typeof item === "string").map((item) => item.trim()).filter(Boolean);
}

function splitText(text: string): unknown {
  if (!/^\s*\[[^]*\]\s*$/.test(text)) return text.split(/[|\n]/);
  try {
    return JSON.parse(text);
  } catch {
    return text.split(/[|\n]/);
  }
}
