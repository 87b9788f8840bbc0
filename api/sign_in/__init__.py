"""Signing in: OpenID Connect, sessions in cookies, JWTs of programs, a proxy's header."""
