// What a view has loaded: nothing yet, an error, one reply, or the pages of a list so far.

import { ApiError } from "./api.js";

/** What a loader needs of its view. */
export interface LoaderHost {
  requestUpdate(): void;
  onRefused(error: ApiError): void;
}

/** One reply of the service; a later load wins over an earlier one that is still under way. */
export class Loader<T> {
  data: T | undefined;
  error: ApiError | undefined;
  isLoading = false;
  #load = 0;

  constructor(
    private readonly host: LoaderHost,
    private readonly request: () => Promise<T>,
  ) {}

  /** Loads; what was loaded before is shown until then, unless `clears`. */
  async load(clears = false): Promise<void> {
    if (clears) this.data = undefined;
    await this.#run(async () => this.request());
  }

  /** Replaces what was loaded with what `change` makes of it and another reply. */
  async extend(change: (data: T) => Promise<T>): Promise<void> {
    const { data } = this;
    if (data !== undefined) await this.#run(() => change(data));
  }

  async #run(request: () => Promise<T>): Promise<void> {
    const load = ++this.#load;
    this.isLoading = true;
    this.host.requestUpdate();
    try {
      const data = await request();
      if (load !== this.#load) return;
      [this.data, this.error] = [data, undefined];
    } catch (error) {
      if (load !== this.#load) return;
      this.error = toApiError(error);
      if (this.error.needsKey) this.host.onRefused(this.error);
    }
    this.isLoading = false;
    this.host.requestUpdate();
  }
}

/** Returns an error as one of the service; what the page itself did wrong is logged. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  console.error(error);
  return new ApiError(-1, "page");
}
