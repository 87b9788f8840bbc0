"""Why a sign-in or a token was refused, as a kind for its page and a cause for the log."""

from typing import Literal

Kind = Literal["invalid", "expired", "cancelled", "no_access", "unreachable", "insecure"]
"""`invalid`: a parameter or token is wrong; `expired`: began too long ago, elsewhere or used twice;
`cancelled`: by the person; `no_access`: no group of theirs may do anything; `unreachable`: the
provider does not answer as it should; `insecure`: plain http from
another machine."""


class SignInFailed(Exception):
    """A sign-in or a token was refused; `cause` is for the log and contains nothing personal."""

    def __init__(self, kind: Kind, cause: str) -> None:
        super().__init__(cause)
        self.kind, self.cause = kind, cause


class GrantInvalid(SignInFailed):
    """The provider no longer honours a refresh token: the person is to sign in again."""

    def __init__(self, cause: str) -> None:
        super().__init__("expired", cause)
