// Follows jobs of the service until they have ended, and says in words where they are.

import type { Api } from "./api.js";
import { number } from "./format.js";
import { fill, labelOf, type Texts } from "./texts/index.js";
import { type Job, toProgress } from "./wire.js";

/** Between two requests, for one job and for several: a key has 60 requests a minute by default. */
const POLL_MS = 1_000;
const SLOW_POLL_MS = 2_500;
const FAST_POLLS = 10;

interface Followed {
  onChange(job: Job): void;
  resolve(job: Job): void;
  reject(error: unknown): void;
}

const isEnded = ({ status }: Job): boolean => status === "done" || status === "failed";

/** Asks for all followed jobs in one request. */
export class JobWatch {
  readonly #followed = new Map<string, Followed>();
  #isPolling = false;

  constructor(private readonly api: () => Api) {}

  /** Reports each state of a job; returns the last one. */
  follow(job: Job, onChange: (job: Job) => void = () => undefined): Promise<Job> {
    onChange(job);
    if (isEnded(job)) return Promise.resolve(job);
    return new Promise((resolve, reject) => {
      this.#followed.set(job.id, { onChange, resolve, reject });
      if (!this.#isPolling) void this.#poll();
    });
  }

  async #poll(): Promise<void> {
    this.#isPolling = true;
    for (let polls = 0; this.#followed.size; polls++) {
      const isFast = polls < FAST_POLLS && this.#followed.size === 1;
      await new Promise((resolve) => setTimeout(resolve, isFast ? POLL_MS : SLOW_POLL_MS));
      try {
        for (const job of await this.#load()) this.#report(job);
      } catch (error) {
        for (const { reject } of this.#followed.values()) reject(error);
        this.#followed.clear();
      }
    }
    this.#isPolling = false;
  }

  /** Returns the newest jobs, and the oldest that is followed where it is not one of them. */
  async #load(): Promise<Job[]> {
    const [oldest = ""] = this.#followed.keys();
    const jobs = this.#followed.size > 1 ? (await this.api().get<{ jobs: Job[] }>("v1/jobs")).jobs : [];
    if (jobs.some(({ id }) => id === oldest)) return jobs;
    return [...jobs, await this.api().get<Job>(`v1/jobs/${encodeURIComponent(oldest)}`)];
  }

  #report(job: Job): void {
    const followed = this.#followed.get(job.id);
    if (!followed) return;
    followed.onChange(job);
    if (!isEnded(job)) return;
    this.#followed.delete(job.id);
    followed.resolve(job);
  }
}

/** Returns what a sync does at the moment, such as `Reading files 3 / 20`. */
export function progressText(texts: Texts, progress: Job["progress"]): string {
  const { event, done = 0, total } = toProgress(progress) ?? {};
  if (event === undefined) return texts.syncing;
  const step = labelOf(texts.progress, event);
  return total === undefined ? step : `${step} ${number(texts, done)} / ${number(texts, total)}`;
}

/** Returns the result of a job in a sentence. */
export function resultText(texts: Texts, job: Job): string {
  if (job.status === "failed") return job.error?.detail || texts.failed;
  const { added = 0, changed = 0, removed = 0, unchanged = 0 } = job.report ?? {};
  return fill(texts.synced, fill(texts.syncReport, ...[added, changed, removed, unchanged].map((n) => number(texts, n))));
}
