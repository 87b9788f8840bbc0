// Maps a text's offsets to the DOM rendered from it, and wraps ranges in elements. The rendered text
// is the source without its markup characters, so both are walked in parallel.

const ENTITY = /&(?:#\w+|\w+);/y;
const MAX_LOOKAHEAD = 400;

interface TextNodeOffsets {
  node: Text;
  /** The source offset of each UTF-16 code unit of the node. */
  offsets: number[];
}

function textNodeOffsets(root: Node, source: string): TextNodeOffsets[] {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const nodes: TextNodeOffsets[] = [];
  let position = 0;
  while (walker.nextNode()) {
    const node = walker.currentNode as Text;
    if (!node.data.trim()) continue; // whitespace between tags may be missing in the source
    const offsets: number[] = [];
    for (const character of node.data) {
      const [start, end] = locate(source, position, character);
      for (let unit = 0; unit < character.length; unit++) offsets.push(start);
      position = end;
    }
    nodes.push({ node, offsets });
  }
  return nodes;
}

/** Returns the source range of a rendered character, at or after `position`. */
function locate(source: string, position: number, character: string): [number, number] {
  ENTITY.lastIndex = position;
  const isLiteral = source.startsWith(character, position) && character !== "&";
  const entity = isLiteral ? null : ENTITY.exec(source);
  if (entity) return [position, position + entity[0].length];
  const start = source.indexOf(character, position);
  const isMissing = start < 0 || start - position > MAX_LOOKAHEAD;
  return isMissing ? [position, position] : [start, start + character.length];
}

/** Wraps the text rendered from `start:end` of `source` in elements from `createWrapper`, one per
 * text node. Citation chips stay outside. */
export function wrapRange(
  root: Node, source: string, start: number, end: number, createWrapper: () => HTMLElement,
): void {
  for (const { node, offsets } of textNodeOffsets(root, source)) {
    if (node.parentElement?.closest(".chip")) continue;
    const inRange = offsets.map((offset) => offset >= start && offset < end);
    let first = inRange.indexOf(true);
    let last = inRange.lastIndexOf(true);
    if (first < 0 || !node.data.slice(first, last + 1).trim()) continue;
    while (/\s/.test(node.data[first] ?? "")) first += 1;
    while (/\s/.test(node.data[last] ?? "")) last -= 1;
    const range = document.createRange();
    range.setStart(node, first);
    range.setEnd(node, last + 1);
    range.surroundContents(createWrapper());
  }
}
