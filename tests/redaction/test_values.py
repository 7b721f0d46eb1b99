"""Redaction of values and fields: by key, by shape, with types kept and nothing of the caller's changed."""

from __future__ import annotations

import copy
import datetime as dt
import tracemalloc
from collections import OrderedDict, deque, namedtuple
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest

from seclog_handlers.redaction import Redactor, redact

SECRET = "hunter2" + "Xy9!"
M = "[REDACTED]"
Point = namedtuple("Point", "user password")


@dataclass
class Login:
    user: str
    password: str


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError

    __str__ = __repr__


SHAPES: list[Any] = [
    {"password": SECRET}, {"a": [{"b": {"clientSecret": SECRET}}]}, [("password", SECRET)], {"name": "password", "value": SECRET}, {"key": "API_KEY", "val": SECRET}, {"tokens": [SECRET]}, {"credentials": {"user": "bob", "x": SECRET}},
    deque([{"pwd": SECRET}]), {"headers": [(b"authorization", SECRET.encode())]}, {b"password": SECRET}, ["--password", SECRET], {"x": {f"password={SECRET}"}}, {"x": frozenset([f"password={SECRET}"])}, {f"password={SECRET}": 1}, {"body": f'{{"password": "{SECRET}"}}'},
    {"raw": f"password={SECRET}".encode()}, OrderedDict(password=SECRET), MappingProxyType({"password": SECRET}), Login("bob", SECRET), Point("bob", SECRET), {"x": Login("bob", SECRET)}, ValueError(f"password={SECRET}"), (1, 2, (3, {"auth_token": (SECRET,)})),
    [{"op": "replace", "path": "/password", "value": SECRET}], [{"path": "password", "from": SECRET, "to": SECRET}],
    {("auth", "password"): SECRET}, {"mfa": {"code": SECRET}},
    {"ParameterKey": "DBPassword", "ParameterValue": SECRET}, [{"type": "password", "value": SECRET}], {"id": "password", "value": SECRET},
]  # fmt: skip


@pytest.mark.parametrize("value", SHAPES, ids=lambda value: type(value).__name__)
def test_no_shape_hides_a_secret(value: Any) -> None:
    """A secret under its key, in a pair, an entry, bytes, a set, a key or an object goes."""
    assert SECRET not in repr(redact(value))


def test_leaves_the_callers_objects_alone() -> None:
    """New containers come back, and what the application passed is untouched."""
    value = {"password": SECRET, "list": [{"token": SECRET}], "set": {"a"}}
    before = copy.deepcopy(value)

    clean = redact(value)

    assert value == before
    assert clean is not value
    assert clean["list"] is not value["list"]


PLAIN = ["text", 5, 5.5, True, None, dt.datetime(2024, 1, 1), dt.date(2024, 1, 1), Decimal("1.5"), UUID(int=1)]


@pytest.mark.parametrize("value", PLAIN)
def test_plain_values_keep_their_type(value: Any) -> None:
    """What is clean and plain comes back as it is, also under an ordinary key."""
    clean = redact({"field": value})

    assert clean == {"field": value}
    assert type(clean["field"]) is type(value)


@pytest.mark.parametrize(
    "value",
    [{"password": True}, {"token": None}, {"has_password": True}, {"token_count": 5}, {"tokens": 5120}, {"usage": {"tokens": {"in": 5, "out": 7}}}, {"pin_count": 4}, {"secret_name": "db"}, {"auth_method": "password"}, {"password": ""}, {"credentials": []},
     {"author": "bob", "session_headers": ["a"], "risk_score": 70}, {"required": ["username", "password"]}, [("username", "password")], {"password": "required"}, {"token_type": "bearer"}, {"ip_address": "10.0.0.1"}],
)  # fmt: skip
def test_keeps_what_is_said_about_secrets(value: Any) -> None:
    """Booleans, None, counters, names of fields and statements under a sensitive key stay."""
    assert redact(value) == value


@pytest.mark.parametrize(
    "value",
    [
        {"pin": 4821},
        {"otp": 482913},
        {"cvv": 123},
        {"card": 4111111111111111},
        {"password": 12345678},
        {"ssn": 219099999},
        {"phone": 15558675309},
    ],
)
def test_numbers_can_be_secrets(value: dict[str, int]) -> None:
    """PINs, codes, cards and ids go although they are numbers."""
    assert list(redact(value).values()) == [M]


def test_whole_value_under_a_secret_key_goes() -> None:
    """A list or mapping under a secret's key is replaced as a whole, but for names."""
    assert redact({"credentials": {"a": "x"}, "secrets": ["x", "y"]}) == {"credentials": {"a": M}, "secrets": M}


@pytest.mark.parametrize(
    "value",
    [
        {"labels": {"password": "Password", "pin": "PIN", "token": "Token"}},
        {"schema": {"properties": {"token": {"type": "string", "format": "uuid"}}}},
        {"errors": {"password": ["is too short (minimum is 12 characters)"], "token": ["can't be blank"]}},
        {"wallet": {"token_symbol": "USDC", "decimals": 6}},
        {"mfa": {"enrolled": True, "factors": ["totp", "webauthn"]}},
        {"env_missing": ["API_TOKEN", "SESSION_SECRET"]},
        {"pin_entry": "cancelled", "credential_report_rows": 9592},
    ],
)
def test_what_speaks_about_secrets_stays(value: dict[str, Any]) -> None:
    """Labels, schemas, errors of a form, lists of names: values beside a secret's name that are none."""
    assert redact(value) == value


def test_what_cannot_be_rendered_raises_nothing() -> None:
    """An object whose text raises is shown as such, and the rest is kept."""
    clean = redact({"a": Hostile(), "b": 1})

    assert clean["b"] == 1
    assert type(clean["a"]) is str


def test_too_deep_is_withheld() -> None:
    """Below 12 levels nothing is shown."""
    value: Any = SECRET
    for _ in range(40):
        value = [value]

    assert "[WITHHELD: depth]" in repr(redact(value))
    assert SECRET not in repr(redact(value))


def test_a_cycle_ends() -> None:
    """A container that holds itself is shown down to the depth that is judged."""
    value: dict[str, Any] = {"password": SECRET}
    value["self"] = value

    assert SECRET not in repr(redact(value))


def test_too_many_nodes_are_withheld() -> None:
    """After 5,000 nodes the rest is withheld, and the mark says so."""
    clean = redact(list(range(20_000)))

    assert len(clean) < 6_000
    assert clean[-1] == "[WITHHELD: size]"


def test_a_huge_integer_is_named_not_printed() -> None:
    """An integer of millions of digits costs nothing and raises nothing."""
    assert redact({"n": 10**100_000})["n"].startswith("<int of ")


def test_colliding_keys_are_both_kept() -> None:
    """Two keys that look the same once censored are two entries."""
    clean = redact({f"password={SECRET}1": 1, f"password={SECRET}2": 2})

    assert sorted(clean.values()) == [1, 2]


def test_fields_pass_what_is_left_to_another_stage() -> None:
    """Fields named in `leave` are passed as they are, all others are judged by key."""
    clean = Redactor().fields({"session_id": SECRET, "password": SECRET, "n": 1}, leave=frozenset({"session_id"}))

    assert clean == {"session_id": SECRET, "password": M, "n": 1}


def test_value_takes_the_name_it_is_logged_under() -> None:
    """A bare value is judged by the key given with it."""
    assert Redactor().value(SECRET, key="db_password") == M
    assert Redactor().value("bob", key="user") == "bob"


def test_what_a_secret_leaves_under_a_secret_key_is_judged_again():
    """A value that is partly a token is replaced as a whole when the rest would be taken for a secret."""
    redactor = Redactor()

    once = redactor.fields({"password": "AKIA" + "Q" * 16 + "(INFO "})

    assert once == {"password": "[REDACTED]"}
    assert redactor.fields(once) == once


@pytest.mark.parametrize("around", [b"\xff\xfe ", "é ".encode(), b""])
def test_bytes_keep_what_stands_around_a_secret(around: bytes) -> None:
    """Bytes come back in the encoding they were read in, so that everything but the secret is the same byte."""
    assert Redactor().value(around + b"password=" + SECRET.encode()) == around + b"password=[REDACTED]"


def test_bytes_without_end_are_cut_before_they_are_decoded() -> None:
    """What is missing is said, no character is cut in two, and a second pass changes nothing."""
    for value in (b"ab " * 1_000_000, ("ä " * 700_000).encode(), b"\xff " * 1_000_000, b"x" * 1_048_577):
        tracemalloc.start()
        shown = Redactor().value(value)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

        assert shown.endswith(b"[CUT: %d bytes missing]" % (len(value) - 1_048_576))
        assert b"\\x" not in shown
        assert Redactor().value(shown) == shown
        assert peak < 12_000_000
