// The page at `/`, in the reader's language: reads `?q=…&collection=…`, shows links to the collections
// where there are several, and suggests questions that the articles answer.

const POLL_MS = 2000;

const chat = document.querySelector("footnote-chat");
const params = new URLSearchParams(location.search);
const texts = ASK_TEXTS[document.documentElement.lang];
if (params.get("collection")) chat.setAttribute("collection", params.get("collection"));

/** Puts the page's texts into the reader's language. */
function translate({ title, intro }) {
  if (!title) return; // English, as in the page
  document.title = `${title} · Footnote`;
  const [before, after] = intro;
  const introduction = document.querySelector(".intro");
  introduction.replaceChildren(before, introduction.querySelector("b"), after);
}

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
  nav.setAttribute("aria-label", texts.collections);
  nav.append(...links);
  document.querySelector(".bar").append(nav);
}

/** Polls until the service is ready, then shows the collections and the suggested questions. */
async function loadStarters() {
  const ready = await fetch("readyz").then((response) => response.json()).catch(() => null);
  if (ready?.status !== "ready") return void setTimeout(loadStarters, POLL_MS);
  if (!ready.sources) return; // listing the articles requires a key
  const names = Object.keys(ready.collections ?? {});
  if (names.length > 1) showCollections(names);
  const collection = chat.getAttribute("collection");
  const query = collection ? `?${new URLSearchParams({ collection })}` : "";
  const { suggestions } = await fetch(`v1/suggestions${query}`).then((response) => response.json());
  chat.starters = suggestions;
}

translate(texts);
loadStarters();
if (params.get("q")) {
  chat.ask(params.get("q"));
  params.delete("q"); // so that a reload does not ask again
  history.replaceState(null, "", params.size ? `?${params}` : location.pathname);
}
