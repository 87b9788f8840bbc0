// src/ → dist/widget.js and dist/console.js: two classic scripts, reproducible: the same bytes in any folder.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const root = dirname(fileURLToPath(import.meta.url));
const pyproject = readFileSync(join(root, "..", "..", "pyproject.toml"), "utf8");
const version = /^version = "(.+)"$/m.exec(pyproject)[1];

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

/** The widget uses only marked's lexer. Its API has side effects on load, so tree shaking keeps it, the
 * parser and the renderer (5 KB gzipped); it is cut out here. */
const markedApi = /var \w+=new \w+;function \w+\(\w+,\w+\)\{return \w+\.parse\([^]*(?=export\{)/;
const markedExports = /export\{[^}]*\b(\w+) as Lexer\b[^}]*\}/;
/** Options that keep their defaults are constants, so that what they switch off is left out. */
const markedOptions = { pedantic: "false", breaks: "false", silent: "false", gfm: "true", extensions: "null" };
const optionUse = /this\.options\.(\w+)/g;
const marked = {
  name: "marked",
  setup(context) {
    context.onLoad({ filter: /marked\.esm\.js$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      if (!markedApi.test(source)) throw new Error("marked's API was not found: update `markedApi`");
      return { contents: source.replace(markedApi, "").replace(markedExports, "export{$1 as Lexer}")
        .replace(optionUse, (use, name) => markedOptions[name] ?? use), loader: "js" };
    });
  },
};

/** Templates are built without the indentation of their lines (0.1 KB gzipped). */
const sources = {
  name: "sources",
  setup(context) {
    context.onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replace(/\n\s+/g, "\n"),
      loader: "ts",
    }));
  },
};

const ENTRIES = {
  widget: { from: "src/chat.ts", includes: "Lit (BSD-3-Clause), marked (MIT), eventsource-parser (MIT)" },
  console: { from: "src/console/console.ts", includes: "Lit (BSD-3-Clause)" },
};

for (const [name, { from, includes }] of Object.entries(ENTRIES)) {
  await build({
    absWorkingDir: root,
    entryPoints: [from],
    outfile: join(root, "dist", `${name}.js`),
    bundle: true,
    minify: true,
    format: "iife",
    target: ["es2022", "chrome120", "firefox125", "safari17.4"],
    charset: "utf8",
    legalComments: "none",
    define: { VERSION: JSON.stringify(version) },
    banner: { js: `/* Footnote. Includes ${includes}. */` },
    plugins: [styles, marked, sources],
  });
}
