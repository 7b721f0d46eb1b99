"""Tokens: their form, what they depend on, what is one identity."""

from __future__ import annotations

import decimal
import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers.pseudonym import UNTOUCHED_FIELDS, Pseudonymizer, kind_of, normalise

KEY = "3:" + "key material " * 2
ENGINE = Pseudonymizer(keys=[KEY])


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("username", "usr"), ("user_id", "usr"), ("session_id", "ses"), ("email", "eml"), ("email_address", "eml"),
        ("userEmail", "eml"), ("sessionid", "ses"), ("device_id", "dev"), ("client_ip", "ip"), ("IPAddress", "ip"),
        ("remote_addr", "ip"), ("shipping", "usr"), ("customer", "usr"), ("", "usr"), ("x" * 10_000, "usr"),
    ],
)  # fmt: skip
def test_kind_follows_from_the_fields_words(field, kind):
    """A field that the user configures gets its kind from the words of its name."""
    assert kind_of(field) == kind


@given(st.text(min_size=1).filter(str.strip))
def test_token_has_kind_key_id_and_128_bits(name):
    """Every identity becomes <kind>_k<id>_<32 hex digits>."""
    assert re.fullmatch(r"usr_k3_[0-9a-f]{32}", ENGINE.token("username", name))


def test_username_and_user_id_are_one_kind():
    """An application may log either: it is one user."""
    assert ENGINE.token("username", "bob") == ENGINE.token("user_id", "bob")


def test_kinds_are_apart():
    """The same text as user, e-mail and session gives three unrelated tokens."""
    bodies = {ENGINE.token(field, "x@example.com")[-32:] for field in ("username", "email", "session_id")}

    assert len(bodies) == 3


@pytest.mark.parametrize("value", [42, "42", " 42 ", 42.0, "４２"])
def test_numbers_and_text_are_one_user(value):
    """42 and "42" are one user, also as a float and in full-width digits."""
    assert ENGINE.token("user_id", value) == ENGINE.token("user_id", "42")


@pytest.mark.parametrize("value", ["Bob", "BOB", "bob ", "ｂｏｂ"])
def test_users_and_emails_have_no_case(value):
    """Case, spaces around and compatibility forms do not make another user."""
    assert ENGINE.token("username", value) == ENGINE.token("username", "bob")
    assert ENGINE.token("email", value) == ENGINE.token("email", "bob")


def test_sessions_have_case():
    """Session ids that differ in case are two sessions."""
    assert ENGINE.token("session_id", "Abc") != ENGINE.token("session_id", "abc")


def test_addresses_are_canonical():
    """One host in several notations is one host."""
    tokens = {ENGINE.token("client_ip", text) for text in ("203.0.113.5", "::ffff:203.0.113.5", "203.0.113.5:443")}

    assert len(tokens) == 1


@given(st.text(max_size=40), st.sampled_from(["usr", "eml", "ses", "dev", "ip"]))
def test_normal_form_is_stable(text, kind):
    """Normalising twice changes nothing."""
    once = normalise(kind, text)

    assert normalise(kind, once) == once


@pytest.mark.parametrize("value", [None, True, False, "", "  "])
def test_what_identifies_nobody_has_no_token(value):
    """None, booleans and blank text are left as they are."""
    assert ENGINE.token("username", value) is None
    assert ENGINE.pairs({"username": value}) == []


def test_scope_separates_tenants():
    """The same user under another scope has another token and another state key."""
    other = Pseudonymizer(keys=[KEY], scope="tenant-b")

    assert other.token("username", "bob") != ENGINE.token("username", "bob")
    assert other.state_key("username", "bob") != ENGINE.state_key("username", "bob")


def test_is_the_same_in_another_engine():
    """A token depends on the key and the identity, not on the process or the service."""
    assert Pseudonymizer(keys=[KEY], fields=["email"]).token("username", "bob") == ENGINE.token("username", "bob")


def test_pins_the_published_form():
    """Tokens of a fixed key never change between releases: old logs stay searchable."""
    assert ENGINE.token("username", "bob") == PINNED_TOKEN
    assert ENGINE.state_key("username", "bob") == PINNED_STATE


class User:
    def __str__(self):
        return "bob"


class Broken:
    def __str__(self):
        raise RuntimeError

    __repr__ = __str__


def test_takes_objects_by_their_text():
    """A framework's user object is the user that it prints as."""
    assert ENGINE.token("username", User()) == ENGINE.token("username", "bob")
    assert ENGINE.token("user_id", uuid.UUID(int=7)) == ENGINE.token("user_id", str(uuid.UUID(int=7)))
    assert ENGINE.token("user_id", decimal.Decimal(42)) == ENGINE.token("user_id", 42)
    assert ENGINE.token("username", b"bob") == ENGINE.token("username", "bob")


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8,
))  # fmt: skip
def test_takes_anything(value):
    """No value in an identity field raises."""
    token = ENGINE.token("username", value)

    assert token is None or token.startswith("usr_k3_")
    assert all(isinstance(pair, tuple) for pair in ENGINE.pairs({"username": value}))


@pytest.mark.parametrize(
    "value", [Broken(), pytest.param(10**5000, id="huge"), "\ud800", "x" * 100_000, "ﷺ" * 10_000, float("nan")]
)
def test_takes_hostile_values(value):
    """Objects that cannot be printed, huge numbers and texts, and lone surrogates have a token too."""
    assert ENGINE.token("username", value).startswith("usr_k3_")
    assert ENGINE.state_key("username", value)


def test_long_identities_differ_to_the_last_character():
    """A long value is hashed whole."""
    assert ENGINE.token("username", "x" * 5000 + "1") != ENGINE.token("username", "x" * 5000 + "2")


def test_address_shows_the_network_only():
    """The network stays in clear before the first underscore, the host becomes a token."""
    network, _, token = ENGINE.address("203.0.113.77").partition("_")

    assert network == "203.0.113.0/24"
    assert re.fullmatch(r"ip_k3_[0-9a-f]{32}", token)
    assert ENGINE.address("2001:db8:1:2::3").startswith("2001:db8:1::/48_ip_k3_")


def test_address_hides_what_is_none():
    """Text that is no address becomes a bare token."""
    assert re.fullmatch(r"ip_k3_[0-9a-f]{32}", ENGINE.address("bob's laptop"))
    assert ENGINE.address("z" * 5000).startswith("ip_k3_")


def test_untouched_fields_hold_no_identity():
    """The fields that are never searched and the fields that hold identities are apart."""
    assert UNTOUCHED_FIELDS.isdisjoint(ENGINE.fields)


PINNED_TOKEN = "usr_k3_224bb2def75522eeee0f99f2d7b85023"
PINNED_STATE = "43b6a341418a8126377292c08fb08fd4"
