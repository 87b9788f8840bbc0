// Who uses the page, where people sign in, and the collections that the page may show.

import type { Api } from "./api.js";

export interface Session {
  /** What the person is called; empty for keys, and where nobody is signed in. */
  name: string;
  /** Whether the person can sign out here: not where a proxy signs people in. */
  canSignOut: boolean;
  /** Where people sign in; undefined where they cannot. */
  signInUrl: string | undefined;
  /** The names of the collections; empty where there is one. */
  collections: string[];
}

interface Ready {
  sign_in?: string | null;
  collections?: object | null;
}

interface Me {
  name: string | null;
  session: string | null;
}

export async function loadSession(api: Api): Promise<Session> {
  const ready: Ready = await api.get<Ready>("readyz").catch(() => ({}));
  const me = ready.sign_in ? await api.get<Me>("v1/me").catch(() => undefined) : undefined;
  return {
    name: me?.name ?? "",
    canSignOut: Boolean(me?.session),
    signInUrl: signInUrl(api, ready.sign_in),
    collections: Object.keys(ready.collections ?? {}),
  };
}

/** Returns the address that signs people in and leads back here. */
function signInUrl({ root }: Api, path: string | null | undefined): string | undefined {
  if (path !== "sign-in") return undefined;
  const url = new URL(path, root);
  url.searchParams.set("next", location.pathname);
  return url.href;
}

/** Ends the session; returns where to go then: to the page of the sign-in provider, or the page `/`. */
export async function signOut(api: Api): Promise<string> {
  const { url } = await api.post<{ url: string }>("sign-out");
  return URL.parse(url, api.root)?.href.match(/^https?:.*/)?.[0] ?? api.root.href;
}
