// src/ → dist/widget.js: one classic script, the same bytes wherever it is built.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "dist", "widget.js");
const project = readFileSync(join(here, "..", "..", "pyproject.toml"), "utf8");
const version = /^version = "(.+)"$/m.exec(project)[1];

/** Style sheets become minified strings. */
const styles = {
  name: "styles",
  setup(context) {
    context.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

/** Of marked only the lexer, parser and renderer are used; its front would stay for what it does
 * when it is loaded, 3 KB gzipped. */
const front = /var \w+=new \w+;function \w+\(\w+,\w+\)\{return \w+\.parse\([^]*(?=export\{)/;
const exported = /export\{[^}]*\b(\w+) as Lexer\b[^}]*\b(\w+) as Parser,(\w+) as Renderer\b[^}]*\}/;
const marked = {
  name: "marked",
  setup(context) {
    context.onLoad({ filter: /marked\.esm\.js$/ }, ({ path }) => {
      const whole = readFileSync(path, "utf8");
      if (!front.test(whole)) throw new Error("marked's front was not found");
      const [, lexer, parser, renderer] = exported.exec(whole);
      const cut = whole.replace(front, "").replace(exported, `export{${lexer} as Lexer,${parser} as Parser,${renderer} as Renderer}`);
      return { contents: cut, loader: "js" };
    });
  },
};

await build({
  absWorkingDir: here,
  entryPoints: ["src/chat.ts"],
  outfile: out,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022", "chrome120", "firefox125", "safari17.4"],
  charset: "utf8",
  legalComments: "none",
  define: { VERSION: JSON.stringify(version) },
  banner: { js: "/* Footnote. Holds Lit (BSD-3-Clause), marked (MIT), DOMPurify (Apache-2.0), eventsource-parser (MIT). */" },
  plugins: [styles, marked],
});
