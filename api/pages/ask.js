// The page at `/`: reads `?q=…&collection=…`, shows links to the collections where there are several,
// and suggests questions about articles whose titles are readable.

const MAX_STARTERS = 3;
const POLL_MS = 2000;

const chat = document.querySelector("footnote-chat");
const params = new URLSearchParams(location.search);
if (params.get("collection")) chat.setAttribute("collection", params.get("collection"));

function showCollections(names) {
  if (!chat.hasAttribute("collection")) {
    chat.setAttribute("collection", names.includes("default") ? "default" : names[0]);
  }
  const current = chat.getAttribute("collection");
  const links = names.map((name) => {
    const link = document.createElement("a");
    link.textContent = name;
    link.href = `?${new URLSearchParams({ collection: name })}`;
    if (name === current) link.setAttribute("aria-current", "page");
    return link;
  });
  const nav = document.createElement("nav");
  nav.setAttribute("aria-label", "Collections");
  nav.append(...links);
  document.querySelector(".bar").append(nav);
}

/** Whether a title is not just a file name, such as `waiting-for-a-car` or `000 lakes`. */
function isReadable(title) {
  return !/^[\p{Ll}\d]/u.test(title) && (/\s/.test(title) || !/[-_.]/.test(title));
}

/** Polls until the service is ready, then shows the collections and the suggested questions. */
async function loadStarters() {
  const ready = await fetch("readyz").then((response) => response.json()).catch(() => null);
  if (ready?.status !== "ready") return void setTimeout(loadStarters, POLL_MS);
  if (!ready.sources) return; // listing the articles requires a key
  const names = Object.keys(ready.collections ?? {});
  if (names.length > 1) showCollections(names);
  const query = new URLSearchParams({ limit: "50" });
  if (chat.hasAttribute("collection")) query.set("collection", chat.getAttribute("collection"));
  const { sources } = await fetch(`v1/sources?${query}`).then((response) => response.json());
  const titles = [...new Set(sources.map(({ title }) => title))].filter(isReadable);
  chat.starters = titles.slice(0, MAX_STARTERS).map((title) => `What do the articles say about “${title}”?`);
}

loadStarters();
if (params.get("q")) chat.ask(params.get("q"));
