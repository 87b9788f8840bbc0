// sessionStorage that works without storage: where it is blocked or full, nothing is stored.

const PREFIX = "footnote:";

export function getItem(name: string): string | null {
  try {
    return sessionStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/** Stores the value; null removes it. */
export function setItem(name: string, value: string | null): void {
  try {
    if (value === null) sessionStorage.removeItem(PREFIX + name);
    else sessionStorage.setItem(PREFIX + name, value);
  } catch {
    // blocked or full
  }
}
