"""An OpenID provider that does what a test wants, on loopback: an attacker's, or a broken one.

with FakeOpenId() as provider:
    provider.claims["aud"] = "another client"
    code, state = provider.authorize(location)
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

CLIENT_ID = "footnote"
Json = dict[str, Any]


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Returns a key; the same for the same name."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def number(value: int) -> str:
    return encode(value.to_bytes((value.bit_length() + 7) // 8))


def public_jwk(key: rsa.RSAPrivateKey, kid: str, **more: Any) -> Json:
    numbers = key.public_key().public_numbers()
    public = {"kty": "RSA", "kid": kid, "n": number(numbers.n), "e": number(numbers.e)}
    return {**public, "use": "sig", "alg": "RS256", **more}


def rs256(key: rsa.RSAPrivateKey) -> Callable[[bytes], bytes]:
    return lambda signed: key.sign(signed, padding.PKCS1v15(), SHA256())


def make_jwt(header: Mapping[str, Any], claims: Any, sign: Callable[[bytes], bytes]) -> str:
    """Returns a token with any header, claims and signature."""
    parts = [encode(json.dumps(part).encode()) for part in (header, claims)]
    signed = ".".join(parts)
    return f"{signed}.{encode(sign(signed.encode()))}"


class FakeOpenId:
    """The provider; its attributes may be changed at any time."""

    def __init__(self) -> None:
        self.key = rsa_key("good")
        self.keys: list[Json] = [public_jwk(self.key, "good")]
        self.header: Json = {"alg": "RS256", "kid": "good"}
        self.claims: Json = {}
        """Added to the usual claims; None removes one."""
        self.metadata: Json = {}
        self.token_reply: Json = {}
        self.userinfo: Json = {}
        self.make_token: Callable[[Json, Json], str] | None = None
        """Makes the ID token of the header and the claims, where that is not a usual one."""
        self.redirects: dict[str, str] = {}
        self.requests: list[str] = []
        self._codes: dict[str, Json] = {}

    def __enter__(self) -> Self:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider._answer(self, "")

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                provider._answer(self, self.rfile.read(length).decode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def authorize(self, location: str) -> tuple[str, str]:
        """Returns a code and the state, for the address that a browser is sent to."""
        asked = dict(parse_qsl(urlsplit(location).query))
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return code, asked["state"]

    def usual_claims(self, **more: Any) -> Json:
        """Returns the claims of a token for this client, changed by `claims` and `more`."""
        now = int(time.time())
        usual = {"iss": self.issuer, "sub": "ada", "aud": CLIENT_ID, "iat": now, "exp": now + 300}
        changed = usual | {"groups": ["staff"]} | more | self.claims
        return {name: value for name, value in changed.items() if value is not None}

    def token(self, **more: Any) -> str:
        """Returns a token with those claims, as `make_token` makes it."""
        claims = self.usual_claims(**more)
        if self.make_token is not None:
            return self.make_token(dict(self.header), claims)
        return make_jwt(self.header, claims, rs256(self.key))

    def _answer(self, handler: BaseHTTPRequestHandler, body: str) -> None:
        path = urlsplit(handler.path).path
        self.requests.append(path)
        status, reply = 200, self._reply(path, dict(parse_qsl(body)))
        if path in self.redirects:
            handler.send_response(307)
            handler.send_header("location", self.redirects[path])
            handler.end_headers()
            return
        if "error" in reply:
            status = 400
        data = json.dumps(reply).encode()
        handler.send_response(status)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def _reply(self, path: str, form: Json) -> Json:
        if path == "/jwks":
            return {"keys": self.keys}
        if path == "/userinfo":
            return self.userinfo
        if path == "/token":
            return self._token_reply(form)
        metadata = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "code_challenge_methods_supported": ["S256"],
        }
        changed = metadata | self.metadata
        return {name: value for name, value in changed.items() if value is not None}

    def _token_reply(self, form: Json) -> Json:
        if form.get("grant_type") == "refresh_token":
            asked: Json | None = {}
        else:
            asked = self._codes.pop(form.get("code", ""), None)
            verifier = form.get("code_verifier", "").encode()
            challenge = encode(hashlib.sha256(verifier).digest())
            if asked is None or asked.get("code_challenge") != challenge:
                return {"error": "invalid_grant"}
        nonce = {"nonce": asked["nonce"]} if asked else {}
        usual = {"access_token": "opaque", "token_type": "Bearer", "expires_in": 300}
        reply = {**usual, "id_token": self.token(**nonce), **self.token_reply}
        return {name: value for name, value in reply.items() if value is not None}
