// Types of the HTTP API, generated from openapi.json. Offsets count code points; see escape.ts.

import type { components } from "./openapi.js";

type Schemas = components["schemas"];

export type Passage = Schemas["Passage"];
export type Citation = Schemas["Citation"];
export type Sentence = Schemas["Sentence"];
export type Answer = Schemas["AnswerBody"];
export type Format = Answer["format"];
export type Problem = Schemas["Problem"];
export type Ready = Schemas["Ready"];

/** Returns the questions that a refusal suggests instead; a stored answer of an older service has none. */
export function suggestedQuestions({ suggestions }: Answer): string[] {
  const questions: unknown = suggestions;
  return Array.isArray(questions) ? questions.filter((question) => typeof question === "string") : [];
}

export type AnswerEvent =
  | { name: "passages"; data: Schemas["PassagesEvent"] }
  | { name: "delta"; data: Schemas["DeltaEvent"] }
  | { name: "sentence"; data: Schemas["SentenceEvent"] }
  | { name: "citation"; data: Schemas["CitationEvent"] }
  | { name: "done"; data: Answer }
  | { name: "error"; data: Schemas["ErrorEvent"] };
