// Copies the script and its types into the package while `npm pack` builds it.
import { copyFileSync, rmSync } from "node:fs";

const COPIES = { "widget.js": "../dist/widget.js", "v1.d.ts": "../v1.d.ts" };
const isEnd = process.argv.includes("--remove");
for (const [name, source] of Object.entries(COPIES)) {
  const copy = new URL(name, import.meta.url);
  if (isEnd) rmSync(copy, { force: true });
  else copyFileSync(new URL(source, import.meta.url), copy);
}
