"""Whether a 401 answers somebody who tried to log in, how, and as whom."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seclog_handlers.access.answer import Answer

# Query parameters that carry a credential; names in lower case, with `_` for `-`.
CREDENTIAL_PARAMETERS = frozenset({
    "password", "passwd", "pwd", "pass", "passphrase", "passcode", "pin", "otp", "secret", "client_secret",
    "api_key", "apikey", "token", "access_token", "auth_token",
})  # fmt: skip
USER_PARAMETERS = ("username", "user", "login", "email")

# Registered schemes (IANA) and those that APIs made up; any other shows as `other`, since what stands first
# in the header may be the secret itself.
SCHEMES = frozenset({
    "basic", "bearer", "digest", "dpop", "hoba", "mutual", "negotiate", "ntlm", "privatetoken", "scram-sha-1",
    "scram-sha-256", "vapid", "token", "apikey", "aws4-hmac-sha256",
})  # fmt: skip

# Schemes whose 401 may mean no more than that something ran out; the challenge says so.
RENEWABLE = ("bearer", "dpop", "token", "digest")

_MAX_BASIC = 1024
_MAX_CHALLENGE = 2048


def scheme(answer: Answer) -> str:
    """Return the scheme of the Authorization header in lower case, empty without the header."""
    if not answer.authorization:
        return "basic" if answer.username else ""
    word = answer.authorization.split(None, 1)[0].lower() if answer.authorization.strip() else ""
    return word if word in SCHEMES else "other"


def auth_method(answer: Answer, parameters: Mapping[str, Any]) -> str:
    """Return how the request tried to prove who it is, empty if it did not."""
    if answer.authorization or answer.username:
        return scheme(answer)
    if answer.api_key:
        return "api_key"
    sent = any(name.lower().replace("-", "_") in CREDENTIAL_PARAMETERS for name in parameters)
    return "query_parameter" if sent else ""


def renewable(answer: Answer) -> bool:
    """Tell whether a refusal may mean no more than that the credentials ran out."""
    return scheme(answer) in RENEWABLE


def expired(answer: Answer) -> bool:
    """Tell whether the answer says that the credentials were good once (RFC 6750, 3.1; RFC 7616, 3.3)."""
    kind = scheme(answer)
    challenge = answer.challenge[:_MAX_CHALLENGE].lower()
    if kind == "digest":
        return 'stale="true"' in challenge or "stale=true" in challenge
    return kind in RENEWABLE and "expired" in challenge


def username(answer: Answer) -> str:
    """Return who the request says it is: the server's user, or the one of Basic authentication."""
    if answer.username:
        return answer.username
    return _basic_user(answer.authorization) if scheme(answer) == "basic" else ""


def claimed_user(answer: Answer, parameters: Mapping[str, Any]) -> str:
    """Return who the query of a login says it is; another scheme's user is not in the query."""
    if answer.authorization:
        return ""
    for name in USER_PARAMETERS:
        value = parameters.get(name)
        if type(value) is str and value:
            return value
    return ""


def _basic_user(header: str) -> str:
    encoded = header[: _MAX_BASIC + 6].partition(" ")[2].strip()
    try:
        decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[0]
