// Credentials for requests: a token from the site's back end, a token for this page's origin, or an
// API key that the reader entered. The key is stored for the tab's session, never in a URL or attribute.

import { getItem, setItem } from "./storage.js";

export type TokenProvider = () => string | Promise<string>;

export class Credentials {
  #token: string | undefined;
  #key: string | null = null;
  #loadedFor = "";

  constructor(private readonly tokenProvider: () => TokenProvider | undefined) {}

  get provider(): TokenProvider | undefined {
    return this.tokenProvider();
  }

  get hasKey(): boolean {
    return this.#key !== null;
  }

  async headers(server: string): Promise<Record<string, string>> {
    this.#loadKey(server);
    if (this.provider && !this.#token) this.#token = await this.provider();
    const bearer = this.#token ?? this.#key;
    return bearer ? { authorization: `Bearer ${bearer}` } : {};
  }

  /** Call after a 401. Returns whether to retry the request; false: only an API key helps. */
  async renew(server: string): Promise<boolean> {
    this.#loadKey(server);
    this.#token = undefined;
    if (this.provider) return true;
    const response = await fetch(new URL("v1/widget/token", server), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
      credentials: "same-origin", // with a session the token is the person's
    });
    const body: unknown = response.ok ? await response.json() : null;
    if (body && typeof body === "object" && "token" in body) this.#token = String(body.token);
    return this.#token !== undefined;
  }

  useKey(server: string, key: string): void {
    this.#token = undefined;
    this.#loadedFor = server;
    this.#key = key;
    setItem(`key:${server}`, key);
  }

  #loadKey(server: string): void {
    if (this.#loadedFor === server) return;
    this.#loadedFor = server;
    this.#key = getItem(`key:${server}`);
  }
}
