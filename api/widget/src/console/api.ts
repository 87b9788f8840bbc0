// HTTP client of the console: the admin routes of the service that serves the page, with the key that
// was entered or the session's cookie. Nothing else is ever requested.

import { getItem, setItem } from "../storage.js";

const KEY = "console-key";
const RETRY_STATUS = 429;
const MAX_RETRIES = 5;
const MAX_WAIT_S = 60;

/** A refused or failed request; `status` is 0 where the service could not be reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    /** The service's message; empty where the page has its own. */
    readonly detail = "",
  ) {
    super(detail || code);
  }

  /** Whether another key or another session could do it. */
  get needsKey(): boolean {
    return this.status === 401 || (this.status === 403 && this.code === "forbidden");
  }
}

export type Params = Record<string, string | number | undefined>;

/** Returns the part of a route that names a file. A path with `.`, `..` or an empty name is refused:
 * a browser would resolve it to another route. */
export function filePath(path: string): string {
  const names = path.split("/");
  if (names.some((name) => name === "" || name === "." || name === "..")) {
    throw new ApiError(404, "file_not_found");
  }
  return names.map(encodeURIComponent).join("/");
}

export class Api {
  readonly root = new URL(".", location.href);
  /** The collection that every request names; undefined: the service's default. */
  collection: string | undefined;
  #key = getItem(KEY);

  get hasKey(): boolean {
    return this.#key !== null;
  }

  /** Stores a key until the tab is closed; null forgets it. */
  useKey(key: string | null): void {
    this.#key = key;
    setItem(KEY, key);
  }

  async get<T>(path: string, params: Params = {}): Promise<T> {
    return (await (await this.#request("GET", this.#url(path, params))).json()) as T;
  }

  async post<T>(path: string, body: object = {}, params: Params = {}): Promise<T> {
    const headers = { "content-type": "application/json" };
    const init = { headers, body: JSON.stringify(body) };
    return (await (await this.#request("POST", this.#url(path, params), init)).json()) as T;
  }

  async put<T>(path: string, body: Blob): Promise<T> {
    const headers = { "content-type": "application/octet-stream" };
    return (await (await this.#request("PUT", this.#url(path, {}), { headers, body })).json()) as T;
  }

  /** Deletes; returns the job or nothing, as the route has it. */
  async delete<T>(path: string): Promise<T | undefined> {
    const text = await (await this.#request("DELETE", this.#url(path, {}))).text();
    return text ? (JSON.parse(text) as T) : undefined;
  }

  async text(path: string, params: Params): Promise<string> {
    return (await this.#request("GET", this.#url(path, params))).text();
  }

  async blob(path: string, params: Params = {}): Promise<Blob> {
    return (await this.#request("GET", this.#url(path, params))).blob();
  }

  #url(path: string, params: Params): URL {
    const url = new URL(path, this.root);
    for (const [name, value] of Object.entries({ collection: this.collection, ...params })) {
      if (value !== undefined && value !== "") url.searchParams.set(name, String(value));
    }
    return url;
  }

  /** Sends a request, and again after the time that a rate limit asks for; throws ApiError. */
  async #request(method: string, url: URL, init: RequestInit = {}): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      const response = await this.#send(method, url, init);
      if (response.ok) return response;
      const waitS = Number(response.headers.get("retry-after"));
      if (response.status !== RETRY_STATUS || !(waitS <= MAX_WAIT_S) || attempt > MAX_RETRIES) {
        throw await toError(response);
      }
      await new Promise((resolve) => setTimeout(resolve, (waitS || 1) * 1_000));
    }
  }

  async #send(method: string, url: URL, init: RequestInit): Promise<Response> {
    const bearer = this.#key ? { authorization: `Bearer ${this.#key}` } : {};
    const headers = { ...(init.headers as Record<string, string>), ...bearer };
    try {
      return await fetch(url, { ...init, method, headers, credentials: "same-origin" });
    } catch {
      throw new ApiError(0, "unreachable");
    }
  }
}

async function toError(response: Response): Promise<ApiError> {
  const problem = (await response.json().catch(() => null)) as Record<string, unknown> | null;
  const { code, detail } = problem ?? {};
  return new ApiError(response.status, String(code ?? "unknown"), typeof detail === "string" ? detail : "");
}

/** Offers a file to save; it is never opened, as it may contain anything. */
export function saveFile(blob: Blob, name: string): void {
  const link = document.createElement("a");
  const url = URL.createObjectURL(blob);
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
