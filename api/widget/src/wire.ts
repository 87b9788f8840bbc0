// What comes over the wire, by the names used here; the shapes are generated from openapi.json.
// Offsets count code points; see text.ts.

import type { components } from "./openapi.js";

type Shapes = components["schemas"];

export type Passage = Shapes["Passage"];
export type Citation = Shapes["Citation"];
export type Sentence = Shapes["Sentence"];
export type Answer = Shapes["AnswerBody"];
export type Format = Answer["format"];
export type Problem = Shapes["Problem"];
export type Ready = Shapes["Ready"];

export type Event =
  | { name: "passages"; data: Shapes["PassagesEvent"] }
  | { name: "delta"; data: Shapes["DeltaEvent"] }
  | { name: "sentence"; data: Shapes["SentenceEvent"] }
  | { name: "citation"; data: Shapes["CitationEvent"] }
  | { name: "done"; data: Answer }
  | { name: "error"; data: Shapes["ErrorEvent"] };
