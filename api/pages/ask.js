// The page at `/`: questions to begin with, from titles that read as such, the collections to choose
// from, where there are several, and `/?q=…&collection=…`.

const chat = document.querySelector("footnote-chat");
const given = new URLSearchParams(location.search);
if (given.get("collection")) chat.setAttribute("collection", given.get("collection"));

function choice(names) {
  if (!chat.hasAttribute("collection")) {
    chat.setAttribute("collection", names.includes("default") ? "default" : names[0]);
  }
  const chosen = chat.getAttribute("collection");
  const links = names.map((name) => {
    const link = document.createElement("a");
    link.textContent = name;
    link.href = `?${new URLSearchParams({ collection: name })}`;
    if (name === chosen) link.setAttribute("aria-current", "page");
    return link;
  });
  const nav = document.createElement("nav");
  nav.setAttribute("aria-label", "Collections");
  nav.append(...links);
  document.querySelector(".bar").append(nav);
}

const STARTERS = 3;

/** Is it no file's name, such as `waiting-for-a-car` or `000 lakes`? */
function reads(title) {
  return !/^[\p{Ll}\d]/u.test(title) && (/\s/.test(title) || !/[-_.]/.test(title));
}

async function suggest() {
  const ready = await fetch("readyz").then((reply) => reply.json()).catch(() => null);
  if (ready?.status !== "ready") return void setTimeout(suggest, 2000);
  if (!ready.sources) return; // a key is needed to know the articles
  const names = Object.keys(ready.collections ?? {});
  if (names.length > 1) choice(names);
  const query = new URLSearchParams({ limit: "50" });
  if (chat.hasAttribute("collection")) query.set("collection", chat.getAttribute("collection"));
  const { sources } = await fetch(`v1/sources?${query}`).then((reply) => reply.json());
  const titles = [...new Set(sources.map(({ title }) => title))].filter(reads);
  chat.starters = titles.slice(0, STARTERS).map((title) => `What is said about “${title}”?`);
}

suggest();
if (given.get("q")) chat.ask(given.get("q"));
