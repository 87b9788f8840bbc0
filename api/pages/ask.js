// The page at `/`: asks by POST /v1/answers, shows the stream as it comes, reconciles with `done`.
// Whatever comes from articles or a model is set as text, never as markup.

const byId = (id) => document.getElementById(id);
const [form, question, go, result, asked, kind, answer, doubts, title, list, proof] = [
  "form", "question", "go", "result", "asked", "kind", "answer", "doubts", "passages-title", "passages", "proof",
].map(byId);

const WHY = {
  nothing_retrieved: "Nothing in the articles matches.",
  low_confidence: "No passage fits well enough to answer from.",
  model_declined: "The model found no answer in the passages.",
  unsupported: "No sentence of the draft was supported by the articles.",
  index_empty: "No articles are indexed yet.",
};

const CONTEXT = 200; // characters around a quote; fewer where the article begins or ends

// Characters that are invisible or reorder text become escapes, as in api/screen.py.
const HIDDEN = /(?![\n\t\u00ad\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const screen = (text) =>
  text.replaceAll("\r\n", "\n").replace(HIDDEN, (c) => `\\u${c.codePointAt(0).toString(16).padStart(4, "0")}`);

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = screen(text);
  return made;
}

// --- one answer on its way

class Answer {
  constructor() {
    this.raw = "";       // the answer so far; offsets are code points
    this.shown = 0;      // code points that stand as whole sentences
    this.citations = new Map();
    this.tail = document.createTextNode("");
    answer.className = "answer";
    answer.replaceChildren(this.tail);
    doubts.replaceChildren();
    list.replaceChildren();
    kind.textContent = "";
    title.hidden = true;
  }

  delta({ text }) {
    this.raw += text;
    this.tail.data = screen(Array.from(this.raw).slice(this.shown).join(""));
  }

  citation({ citation }) {
    this.citations.set(citation.n, citation);
    for (const chip of answer.querySelectorAll(`[data-n="${citation.n}"]`)) chip.href = citation.url;
  }

  sentence(said) {
    const points = Array.from(this.raw);
    if (said.end > points.length) return; // `done` will bring it
    const between = points.slice(this.shown, said.start).join("");
    this.tail.before(screen(between), this.span(said));
    this.shown = said.end;
    this.tail.data = screen(points.slice(this.shown).join(""));
    if (said.status !== "supported") this.doubt(said);
  }

  span(said) {
    const span = element("span", said.status === "supported" ? "" : "doubtful");
    for (const part of said.text.split(/(\[\d+\])/)) {
      const n = Number(/^\[(\d+)\]$/.exec(part)?.[1]);
      span.append(said.citations.includes(n) ? this.chip(n) : screen(part));
    }
    return span;
  }

  chip(n) {
    const chip = element("a", "chip", `[${n}]`);
    chip.dataset.n = n;
    chip.target = "_blank";
    chip.rel = "noopener";
    chip.setAttribute("aria-describedby", "proof");
    if (this.citations.has(n)) chip.href = this.citations.get(n).url;
    chip.addEventListener("pointerenter", () => this.prove(chip, n));
    chip.addEventListener("focus", () => this.prove(chip, n));
    chip.addEventListener("pointerleave", hideSoon);
    chip.addEventListener("blur", hideSoon);
    return chip;
  }

  prove(chip, n) {
    const cited = this.citations.get(n);
    if (!cited) return;
    const from = [cited.title, cited.heading, `${cited.source}, line ${cited.line}`].filter(Boolean).join(" · ");
    proof.replaceChildren(
      element("span", "from", from),
      element("span", "context", (cited.before.length < CONTEXT ? "" : "…") + cited.before),
      element("mark", "", cited.quote),
      element("span", "context", cited.after + (cited.after.length < CONTEXT ? "" : "…")));
    showAt(chip);
  }

  doubt(said) {
    const verdict = said.status === "uncited" ? "No source was given" : "Not supported by its source";
    doubts.append(element("li", "", `⚠ ${verdict}${said.why ? `: ${said.why}` : ""} — “${said.text.trim()}”`));
  }

  done(whole) {
    if (this.raw !== whole.answer || answer.querySelectorAll("span").length !== whole.sentences.length) {
      this.rebuild(whole);
    }
    answer.classList.toggle("refused", !whole.answered);
    kind.textContent = whole.answered ? described(whole) : `Not answered. ${WHY[whole.reason] ?? ""}`;
    this.passages(whole, whole.answered ? "Passages found" : "The nearest passages");
  }

  rebuild(whole) {
    this.raw = whole.answer;
    this.shown = 0;
    answer.replaceChildren(this.tail);
    doubts.replaceChildren();
    whole.citations.forEach((citation) => this.citation({ citation }));
    whole.sentences.forEach((said) => this.sentence(said));
    this.tail.data = screen(Array.from(this.raw).slice(this.shown).join(""));
  }

  passages({ passages }, heading = "Passages found") {
    title.textContent = heading;
    title.hidden = !passages.length;
    if (list.childElementCount !== passages.length) list.replaceChildren(...passages.map(card));
  }

  error({ problem, retryable }) {
    this.failed(`${problem.detail}${retryable ? " Try again in a moment." : ""}`);
  }

  failed(text) {
    answer.className = "answer failed";
    kind.textContent = "No answer.";
    answer.replaceChildren(screen(text));
  }
}

function described(whole) {
  if (whole.degraded) return "The language model failed; these are the sources' own words.";
  if (whole.answerer === "extractive") return "In the sources' own words, quoted; no language model is set up.";
  return `Worded by ${whole.model}; each sentence was checked against its source.`;
}

function card(passage) {
  const item = element("li");
  const details = element("details");
  const summary = element("summary", "", `${passage.rank}. ${passage.title}`);
  if (passage.heading) summary.append(` · ${screen(passage.heading)}`);
  summary.append(element("span", "peek", passage.text.slice(0, 200)));
  const link = element("a", "open", `Open ${passage.source} here`);
  link.href = passage.url;
  link.target = "_blank";
  link.rel = "noopener";
  details.append(summary, element("p", "text", passage.text), link);
  item.append(details);
  return item;
}

// --- the quote beside its chip

let hiding;
const hideSoon = () => { hiding = setTimeout(() => { proof.hidden = true; }, 200); };
proof.addEventListener("pointerenter", () => clearTimeout(hiding));
proof.addEventListener("pointerleave", hideSoon);
addEventListener("keydown", (event) => { if (event.key === "Escape") proof.hidden = true; });

function showAt(chip) {
  clearTimeout(hiding);
  proof.hidden = false;
  proof.scrollTop = Math.max(0, proof.querySelector("mark").offsetTop - 90); // the quote is in sight
  const at = chip.getBoundingClientRect();
  const left = Math.max(16, Math.min(at.left, innerWidth - proof.offsetWidth - 16));
  const above = at.bottom + proof.offsetHeight + 8 > innerHeight && at.top > proof.offsetHeight + 8;
  const top = above ? at.top - proof.offsetHeight - 4 : at.bottom + 4;
  proof.style.setProperty("left", `${left + scrollX}px`);
  proof.style.setProperty("top", `${top + scrollY}px`);
}

// --- asking

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    buffer += value;
    const blocks = buffer.split("\n\n");
    buffer = blocks.pop();
    for (const block of blocks) {
      const field = (name) => block.split("\n").find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      if (field("event")) yield [field("event"), JSON.parse(field("data"))];
    }
  }
}

let current;
async function ask(text) {
  current?.abort();
  const mine = (current = new AbortController());
  result.hidden = false;
  asked.textContent = screen(text);
  const shown = new Answer();
  answer.setAttribute("aria-busy", "true");
  let ended = false;
  try {
    const response = await fetch("v1/answers", {
      method: "POST", signal: mine.signal,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ question: text, stream: true }),
    });
    if (!response.ok) throw new Error((await response.json()).detail);
    for await (const [name, data] of events(response)) {
      shown[name]?.(data);
      ended ||= name === "done" || name === "error";
    }
    if (!ended) throw new Error("The answer broke off. Ask again.");
  } catch (error) {
    if (!mine.signal.aborted) shown.failed(error instanceof TypeError ? "The service cannot be reached." : error.message);
  } finally {
    if (mine === current) answer.setAttribute("aria-busy", "false");
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = question.value.trim();
  if (text) ask(text);
});

async function showStatus() {
  const ready = await fetch("readyz").then((response) => response.json()).catch(() => null);
  const status = byId("status");
  if (ready?.status === "ready") {
    status.textContent = `Answers from ${ready.sources} articles; every citation opens the words it rests on.`;
    return;
  }
  const { event, done, total } = ready?.progress ?? {};
  const far = total ? ` (${event} ${done} of ${total})` : "";
  status.textContent = ready ? `The index is not ready yet${far}.` : "The service cannot be reached.";
  setTimeout(showStatus, 2000);
}

showStatus();
const given = new URLSearchParams(location.search).get("q");
if (given) { question.value = given; ask(given); }
