// node stream.mjs URL: asks as a stream, and prints what the AI SDK made of it as JSON.
import { createOpenAI } from "@ai-sdk/openai";
import { streamText } from "ai";

const footnote = createOpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: "none" });
const reply = streamText({
  model: footnote.chat("footnote"),
  prompt: "How many people bought an SU7 in a single year?",
});
let text = "";
for await (const piece of reply.textStream) text += piece;
const [sources, finished] = [await reply.sources, await reply.finishReason];
console.log(JSON.stringify({ text, sources, finished }));
