// An OpenID provider on loopback for the tests: `node provider.mjs '{"port": …, "callback": …}'`.
//
// Who signs in as "ada,staff+admins" is ada, a member of two groups. `POST /test/rotate` starts over
// with other keys and `POST /test/revoke` ends every grant; `GET /test/counts` counts token requests.

import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const options = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${options.port}`;
const counts = {};
let revoked = false;

function newKeys(number) {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { keys: [{ ...privateKey.export({ format: "jwk" }), kid: `key-${number}`, use: "sig", alg: "RS256" }] };
}

// in memory, shared by the providers before and after a change of keys
class Store {
  static rows = new Map();
  constructor(model) { this.model = model; }
  #key(id) { return `${this.model}:${id}`; }
  async upsert(id, payload) { Store.rows.set(this.#key(id), payload); }
  async find(id) { return Store.rows.get(this.#key(id)); }
  async findByUid(uid) { return [...Store.rows.entries()].find(([key, row]) => key.startsWith("Session:") && row.uid === uid)?.[1]; }
  async findByUserCode() { return undefined; }
  async consume(id) { Store.rows.get(this.#key(id)).consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { Store.rows.delete(this.#key(id)); }
  async revokeByGrantId(grantId) {
    for (const [key, row] of Store.rows) if (row.grantId === grantId) Store.rows.delete(key);
  }
}

function newProvider(jwks) {
  const provider = new Provider(issuer, {
    adapter: Store,
    jwks,
    clients: [{
      client_id: "footnote",
      client_secret: options.secret ?? "a-secret-of-the-test",
      redirect_uris: options.callbacks,
      post_logout_redirect_uris: options.homes,
      grant_types: ["authorization_code", "refresh_token", "client_credentials"],
      response_types: ["code"],
      ...options.client,
    }],
    claims: { openid: ["sub", "sid"], profile: ["name", "preferred_username"], email: ["email"], groups: ["groups"] },
    scopes: ["openid", "profile", "email", "groups", "offline_access"],
    conformIdTokenClaims: options.inUserInfo ?? false,
    findAccount: (_, id) => {
      const [name, groups = ""] = id.split(",");
      const said = revoked ? "" : groups;
      return {
        accountId: id,
        claims: () => ({ sub: id, name: `Person ${name}`, email: `${name}@people.example`, groups: said.split("+").filter(Boolean) }),
      };
    },
    cookies: { keys: ["a-key-for-the-provider's-cookies"] },
    ttl: { AccessToken: options.accessTokenS ?? 600, IdToken: 600, RefreshToken: 3600, Session: 3600, Grant: 3600, Interaction: 600, ClientCredentials: 600 },
    issueRefreshToken: () => options.refresh ?? true,
    rotateRefreshToken: true,
    pkce: { required: () => true },
    // its own dispatcher refuses loopback, which is where the services of the tests are
    fetch: (url, { dispatcher: _, ...request }) => fetch(url, request),
    features: {
      devInteractions: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      clientCredentials: { enabled: true },
      backchannelLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        useGrantedResource: () => true,
        getResourceServerInfo: (_, audience) => ({
          scope: "read",
          audience,
          accessTokenFormat: "jwt",
          accessTokenTTL: 600,
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
    extraTokenClaims: () => ({ groups: ["programs"] }),
  });
  for (const event of ["server_error", "backchannel.error"]) provider.on(event, (_, error) => console.error(event, error));
  return provider.callback();
}

let number = 1;
let handle = newProvider(newKeys(number));

createServer((request, response) => {
  counts[request.url.split("?")[0]] = (counts[request.url.split("?")[0]] ?? 0) + 1;
  if (!request.url.startsWith("/test/")) return handle(request, response);
  if (request.url === "/test/rotate") handle = newProvider(newKeys((number += 1)));
  if (request.url === "/test/revoke") for (const key of [...Store.rows.keys()]) if (/^(Grant|RefreshToken|Session):/.test(key)) Store.rows.delete(key);
  if (request.url === "/test/groups-gone") revoked = true;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(counts));
}).listen(options.port, "127.0.0.1", () => console.log("ready"));
