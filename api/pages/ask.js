// The page at `/`: questions to begin with, from the articles' own titles, and `/?q=…`.

const chat = document.querySelector("footnote-chat");

async function suggest() {
  const ready = await fetch("readyz").then((reply) => reply.json()).catch(() => null);
  if (ready?.status !== "ready") return void setTimeout(suggest, 2000);
  if (!ready.sources) return; // a key is needed to know the articles
  const { sources } = await fetch("v1/sources?limit=3").then((reply) => reply.json());
  chat.starters = sources.map(({ title }) => `What is said about “${title}”?`);
}

suggest();
const given = new URLSearchParams(location.search).get("q");
if (given) chat.ask(given);
