// What the console reads of the admin routes, generated from openapi.json. Strings of articles, readers
// and models may be anything.

import type { components } from "../openapi.js";

type Schemas = components["schemas"];

export type Files = Schemas["FilesBody"];
export type ListedFile = Schemas["FileBody"];
export type FileState = ListedFile["state"];
export type FilePassages = Schemas["PassagesBody"];
export type FilePassage = Schemas["FilePassage"];
export type Job = Schemas["JobBody"];
export type Generations = Schemas["GenerationsBody"];
export type Generation = Schemas["GenerationBody"];

export type Questions = Schemas["QuestionsBody"];
export type ListedQuestion = Schemas["QuestionBody"];
export type AnswerState = ListedQuestion["state"];
export type QuestionGroup = Schemas["GroupBody"];
export type QuestionRecord = Schemas["QuestionRecord"];
export type RecordedPassage = Schemas["RecordedPassage"];
export type Replay = Schemas["ReplayBody"];

export type Feedback = Schemas["FeedbackEntry"];
export type FeedbackPage = Schemas["FeedbackListBody"];
export type Rating = Feedback["rating"];

export type Evaluation = Schemas["EvaluationBody"];
export type EvaluationDetail = Schemas["EvaluationDetail"];
export type CaseResult = Schemas["CaseResult"];
export type MetricValue = Schemas["MetricValue"];
export type Comparison = Schemas["ComparisonBody"];
export type MetricChange = Schemas["ChangedMetric"];
export type CaseFlip = Schemas["FlippedCase"];

export type Key = Schemas["KeyBody"];
export type Origins = Schemas["OriginsBody"];
export type Checks = Schemas["DoctorBody"];
export type Check = Schemas["CheckBody"];

/** A quote and its file; null where the quote was not kept. */
export interface QuotedSource {
  source: string;
  quote: string | null;
}

/** What a sync does at the moment, as far as it says. */
export interface Progress {
  event: string;
  done: number | undefined;
  total: number | undefined;
}

/** Returns the progress of a job or of a generation that is being built; undefined where there is none. */
export function toProgress(progress: Record<string, unknown> | null): Progress | undefined {
  const { event, done, total } = progress ?? {};
  if (typeof event !== "string") return undefined;
  const count = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);
  return { event, done: count(done), total: count(total) };
}
