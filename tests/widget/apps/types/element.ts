// Uses of the element by a script, and misuses, which must be errors.
import type { Answer, FootnoteChatElement } from "../v1.js";

const chat: FootnoteChatElement | null = document.querySelector("footnote-chat");
const made = document.createElement("footnote-chat");
made.server = "https://kb.example";
made.mode = "inline";
made.starters = ["How?", "Why?"];
made.starters = '["How?"]';
made.tokenProvider = () => "token";
made.tokenProvider = async () => "token";
const asked: Promise<void> = made.ask("How?");
made.open();
made.close();
made.clear();
made.addEventListener("footnote-answer", ({ detail }) => {
  const answer: Answer = detail;
  const quote: string | undefined = answer.citations[0]?.quote;
  return quote;
});
made.addEventListener("click", (event) => event.clientX);
document.addEventListener("footnote-error", ({ detail }) => detail.kind === "offline");
export { asked, chat };

// @ts-expect-error no such mode
made.mode = "window";
// @ts-expect-error a list of texts
made.starters = [1];
// @ts-expect-error a function
made.tokenProvider = "token";
// @ts-expect-error a question is needed
made.ask();
// @ts-expect-error no such field
made.addEventListener("footnote-answer", ({ detail }) => detail.text);
// @ts-expect-error no such kind
document.addEventListener("footnote-error", ({ detail }) => detail.kind === "broken");
