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

/** Shows who is signed in, and a way to sign out; else a link to sign in. */
async function showAccount(signIn, isSignedIn) {
  const me = isSignedIn ? await fetch("v1/me").then((response) => response.json()) : {};
  if (me.subject && !me.session) return; // signed in by a proxy
  const nav = document.createElement("nav");
  nav.setAttribute("aria-label", texts.account);
  if (me.session) {
    const name = document.createElement("bdi");
    name.textContent = me.name ?? "";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = texts.signOut;
    button.addEventListener("click", signOut);
    nav.append(name, button);
  } else {
    const link = document.createElement("a");
    link.textContent = texts.signIn;
    link.href = `${signIn}?${new URLSearchParams({ next: location.pathname + location.search })}`;
    nav.append(link);
  }
  document.querySelector(".bar").append(nav);
}

/** Ends the session, and goes where the service says: to the sign-in provider, or back here. */
async function signOut() {
  const headers = { "content-type": "application/json" };
  const response = await fetch("sign-out", { method: "POST", headers, body: "{}" });
  const { url } = await response.json();
  chat.clear(); // the next person at this screen must not read the conversation
  location.assign(url ?? location.pathname);
}

/** Polls until the service is ready, then shows the collections and the suggested questions. */
async function loadStarters() {
  const ready = await fetch("readyz").then((response) => response.json()).catch(() => null);
  if (ready?.status !== "ready") return void setTimeout(loadStarters, POLL_MS);
  if (ready.sign_in) showAccount(ready.sign_in, Boolean(ready.sources));
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
