// What lets this page ask: the site's own token, a token of this origin, or a key that the reader
// gave. A key is kept for the tab's session, never in an address or an attribute.

import { read, write } from "./memory.js";

export type TokenProvider = () => string | Promise<string>;

export class Access {
  provider: TokenProvider | undefined;
  private token: string | undefined;
  private key: string | null = null;
  private known = "";

  get hasKey(): boolean {
    return this.key !== null;
  }

  async headers(server: string): Promise<Record<string, string>> {
    this.remember(server);
    if (this.provider && !this.token) this.token = await this.provider();
    const bearer = this.token ?? this.key;
    return bearer ? { authorization: `Bearer ${bearer}` } : {};
  }

  /** After a 401: returns whether another try makes sense; false: only a key helps. */
  async renew(server: string): Promise<boolean> {
    this.remember(server);
    this.token = undefined;
    if (this.provider) return true;
    const reply = await fetch(new URL("v1/widget/token", server), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
      credentials: "omit",
    });
    const body: unknown = reply.ok ? await reply.json() : null;
    if (body && typeof body === "object" && "token" in body) this.token = String(body.token);
    return this.token !== undefined;
  }

  use(server: string, key: string): void {
    this.token = undefined;
    this.known = server;
    this.key = key;
    write(`key:${server}`, key);
  }

  forget(server: string): void {
    this.key = null;
    write(`key:${server}`, null);
  }

  private remember(server: string): void {
    if (this.known === server) return;
    this.known = server;
    this.key = read(`key:${server}`);
  }
}
