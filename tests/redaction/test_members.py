"""Containers under a secret's name: whole ones go, and those that say what is secret keep the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers import redact
from seclog_handlers.redaction import Redactor

M = "[REDACTED]"
SECRET = "wJalrXUtnFEMI-K7MDENG"
OPENED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"Credentials": {"SecretAccessKey": SECRET, "Expiration": "2026-12-20T03:46:59Z"}},
        {"Credentials": {"SecretAccessKey": M, "Expiration": "2026-12-20T03:46:59Z"}},
    ),
    (
        {"token": {"access_token": SECRET, "expires_in": 3600, "scope": "openid"}},
        {"token": {"access_token": M, "expires_in": 3600, "scope": "openid"}},
    ),
    (
        {"cookies": [{"name": "session", "value": SECRET, "path": "/"}]},
        {"cookies": [{"name": "session", "value": M, "path": "/"}]},
    ),
    ({"cookies": {"sessionid": SECRET, "lang": "de"}}, {"cookies": {"sessionid": M, "lang": "de"}}),
    ({"cookies": {"user": SECRET, "theme": "dark"}}, {"cookies": {"user": M, "theme": "dark"}}),
    ({"cookies": {"theme": SECRET, "path": "/"}}, {"cookies": {"theme": M, "path": "/"}}),
    ({"token": {"expires_in": 3600, "foo": "a_b"}}, {"token": {"expires_in": 3600, "foo": M}}),
    ({"token": {"expires_in": 3600, "active": True}}, {"token": {"expires_in": 3600, "active": True}}),
    ({"token": {"expires_in": 3600, "anything": SECRET}}, {"token": {"expires_in": 3600, "anything": M}}),
]


@pytest.mark.parametrize(("value", "expected"), OPENED)
def test_what_is_no_secret_stays(value: dict[str, Any], expected: dict[str, Any]) -> None:
    """A mapping whose members say what they are keeps what is none of its secrets."""
    assert redact(value) == expected
    assert redact(expected) == expected


@pytest.mark.parametrize(("value", "expected"), OPENED)
def test_json_in_text_is_judged_alike(value: dict[str, Any], expected: dict[str, Any]) -> None:
    """The same as JSON in a message."""
    shown = json.loads(redact(json.dumps(value)))

    assert json.dumps(shown) == json.dumps(expected)


NAMED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"credentials": {"a": SECRET}}, {"credentials": {"a": M}}),
    ({"passwords": {"root": SECRET, "guest": "letmein"}}, {"passwords": {"root": M, "guest": M}}),
    ({"password": {"view": SECRET}}, {"password": {"view": M}}),
    ({"password": {"host": "letmein", "password": "open_sesame"}}, {"password": {"host": M, "password": M}}),
    ({"secret": {"username": "letmein", "host": "letmein"}}, {"secret": {"username": M, "host": M}}),
    ({"password": {"type": "string", "data": SECRET}}, {"password": {"type": M, "data": M}}),
]


@pytest.mark.parametrize(("value", "expected"), NAMED)
def test_names_of_members_stay(value: dict[str, Any], expected: dict[str, Any]) -> None:
    """A mapping of texts that does not say what of it is secret keeps names alone, as a value and as JSON."""
    assert redact(value) == expected
    assert redact(expected) == expected
    assert redact(json.dumps(value)) == json.dumps(expected)


@pytest.mark.parametrize(
    "value",
    [
        {"password": {"hunter 2": SECRET, "expires": 1}},
        {"tokens": {"Xy19fk3lLp20": "letmein"}},
        {"tokens": {"kqzwxjvbnmasdfghpoiuytrewl": "bob"}},
        {"token": [SECRET, {"scope": "x"}]},
        {"secret": {"nested": {"deep": SECRET}}},
        {"password": {"value": SECRET, "expires": 1}},
        {"password": "hunter2 is wrong"},
        {"password": "12345678 is required"},
    ],
)
def test_all_others_go_as_a_whole(value: dict[str, Any]) -> None:
    """A container that does not say what of it is secret, and whose names may be secrets themselves, is all secret."""
    [name] = value

    assert redact(value) == {name: M}


@pytest.mark.parametrize(
    "value",
    [
        {"secret": {"name": "db-creds", "version": 45, "namespace": "prod"}},
        {"jwt": {"alg": "RS256", "aud": "mobile", "valid": False}},
        {"otp": {"length": 6, "ttl": 300, "channel": "sms"}},
        {"secrets": {"loaded": 56, "failed": [], "backend": "vault"}},
        {"secret": {"name": "shipping-db", "namespace": "notify", "keys": ["username", "password"]}},
        {"secrets": [{"name": "profile-tls", "age_days": 17}, {"name": "regcred", "age_days": 34}]},
        {"auth": {"token_type": "Bearer", "expires_in": 60134, "scope": ["read", "write"]}},
        {"auth": {"method": "password", "mfa": ["totp", "webauthn"], "success": True}},
        {"changes": {"password": ["[FILTERED]", "[FILTERED]"]}},
        {"tokens": ["IDENT", "COMMA", "NUMBER"], "line": 53},
        {"card_checks": {"cvc_check": "unavailable", "avs": "Y"}},
        {"password": {"min_length": 72, "require_digit": True, "history": 5}},
        {"cookie": {"name": "sid", "secure": True, "sameSite": "lax", "maxAge": 7593200}},
        {"authorization": {"decision": "deny", "policy": "default", "rule_id": 831}},
        {"pin": {"number": 13, "mode": "output"}},
        {"tx": {"token": "USDC", "confirmations": 35}},
    ],
)
def test_what_speaks_about_a_secret_stays(value: dict[str, Any]) -> None:
    """A mapping that says only what a secret is called, or how long it lives, holds none."""
    assert redact(value) == value


def test_json_that_speaks_about_a_secret_stays() -> None:
    """The same of plain members in a text."""
    text = json.dumps({"secret": {"name": "db-creds", "version": 45, "namespace": "prod"}, "pin": {"mode": "output"}})

    assert redact(text) == text


@pytest.mark.parametrize("more", [{"format": "password"}, {"minLength": 8}, {"description": "of the database"}, {}])
def test_only_a_description_is_a_schema(more: dict[str, Any]) -> None:
    """What says how a password has to look stays; any member beside that is none of a schema."""
    schema = {"password": {"type": "string", **more}}

    assert redact(schema) == schema
    assert redact(json.dumps(schema)) == json.dumps(schema)
    assert SECRET not in repr(redact({"password": {"type": "string", "data": SECRET, **more}}))
    assert SECRET not in redact(json.dumps({"password": {"type": "string", "data": SECRET, **more}}))


def test_a_label_is_no_exemption_from_a_users_key() -> None:
    """`{"password": "Password"}` is a label, but not under a key that the user calls secret."""
    assert redact({"password": "Password"}) == {"password": "Password"}
    assert Redactor(keys=["mykey"]).value({"mykey": "MYKEY"}) == {"mykey": M}


@given(
    st.sampled_from(["password", "token", "cookies", "credentials", "authorization", "api_key"]),
    st.dictionaries(
        st.sampled_from(["expires_in", "scope", "access_token", "x", "foo", "name", "value", "path", "a b"]),
        st.one_of(st.just(SECRET), st.just([SECRET]), st.just({"y": SECRET}), st.integers(0, 9)),
        min_size=1,
    ),
)
def test_no_member_shows_a_secret(name: str, members: dict[str, Any]) -> None:
    """Whatever members there are: one without a harmless name shows no secret, as a value and in JSON."""
    judged = {key: item for key, item in members.items() if key not in ("expires_in", "scope", "path", "name")}

    assert SECRET not in repr(redact({name: judged}))
    assert SECRET not in redact(json.dumps({name: judged}))


def test_a_cookie_header_keeps_names_and_choices() -> None:
    """Names of cookies stay, what a visitor chose, and the attributes; anything else than cookies goes."""
    assert redact({"Cookie": f"theme=dark; sid={SECRET}"}) == {"Cookie": f"theme=dark; sid={M}"}
    assert redact({"Set-Cookie": f"t={SECRET}; Path=/; HttpOnly"}) == {"Set-Cookie": f"t={M}; Path=/; HttpOnly"}
    assert redact({"Cookie": f"{M} = {SECRET}"}) == {"Cookie": M}
    assert redact(f"Set-Cookie: theme={SECRET}") == f"Set-Cookie: theme={M}"


def test_a_header_keeps_what_is_public() -> None:
    """Of a header's parameters those go that prove something, also where the header stands beside its name."""
    digest = 'Digest username="carol", realm="shop", response="de54adff"'

    assert redact(["Authorization", digest]) == ["Authorization", digest.replace("de54adff", M)]
    assert redact({"Authorization": digest}) == {"Authorization": digest.replace("de54adff", M)}
    assert redact({"set-cookie": [f"sid={SECRET}; Path=/"]}) == {"set-cookie": [f"sid={M}; Path=/"]}


def test_a_code_beside_a_second_factor() -> None:
    """`code` is a one-time code where its neighbours speak of one."""
    assert redact({"code": "438457", "otp_method": "totp"}) == {"code": M, "otp_method": "totp"}
    assert redact({"code": "438457", "status": "x"}) == {"code": "438457", "status": "x"}


def test_a_censor_that_removes() -> None:
    """A secret member goes with its name."""
    assert Redactor(censor="remove").value({"token": {"access_token": SECRET, "scope": "a"}}) == {
        "token": {"scope": "a"}
    }


def test_a_list_of_two_under_auth_is_a_login_if_it_looks_like_one() -> None:
    """`["bob", "x7..."]` is a name and a password, `["read", "write"]` none."""
    assert redact({"auth": {"basic": ["bob", f"{SECRET}!"]}}) == {"auth": {"basic": ["bob", M]}}
    assert redact({"auth": {"scope": ["read", "write"]}}) == {"auth": {"scope": ["read", "write"]}}
