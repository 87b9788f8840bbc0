// Where a text's characters went in the DOM that was drawn from it. What is drawn is the text
// without some of its signs, so both are walked side by side.

const ENTITY = /&(?:#\w+|\w+);/y;
const AHEAD = 400;

export interface Piece {
  node: Text;
  /** For each UTF-16 unit of the node: its offset in the text. */
  at: number[];
}

/** Returns the text nodes below `root`, each with the offsets of its characters in `source`. */
export function pieces(root: Node, source: string): Piece[] {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const found: Piece[] = [];
  let from = 0;
  while (walker.nextNode()) {
    const node = walker.currentNode as Text;
    if (!node.data.trim()) continue; // between tags; the text need not have it there
    const at: number[] = [];
    for (const sign of node.data) {
      const [start, past] = next(source, from, sign);
      for (let unit = 0; unit < sign.length; unit++) at.push(start);
      from = past;
    }
    found.push({ node, at });
  }
  return found;
}

function next(source: string, from: number, sign: string): [number, number] {
  ENTITY.lastIndex = from;
  const entity = source.startsWith(sign, from) && sign !== "&" ? null : ENTITY.exec(source);
  if (entity) return [from, from + entity[0].length];
  const start = source.indexOf(sign, from);
  return start < 0 || start - from > AHEAD ? [from, from] : [start, start + sign.length];
}

/** Puts what lies at `start:end` of `source` within elements that `make` gives; signs stay out. */
export function wrap(
  root: Node, source: string, start: number, end: number, make: () => HTMLElement,
): void {
  for (const { node, at } of pieces(root, source)) {
    if (node.parentElement?.closest(".chip")) continue;
    const inside = at.map((offset) => offset >= start && offset < end);
    let first = inside.indexOf(true);
    let last = inside.lastIndexOf(true);
    if (first < 0 || !node.data.slice(first, last + 1).trim()) continue;
    while (/\s/.test(node.data[first] ?? "")) first += 1;
    while (/\s/.test(node.data[last] ?? "")) last -= 1;
    const range = document.createRange();
    range.setStart(node, first);
    range.setEnd(node, last + 1);
    range.surroundContents(make());
  }
}
