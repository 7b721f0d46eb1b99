"""Raw identities in the rest of a record: found in the usual forms, and nothing else touched."""

from __future__ import annotations

import html
import json
import re
import time
import timeit
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers import _occurrences
from seclog_handlers._occurrences import Search
from seclog_handlers.pseudonym import Pseudonymizer

ENGINE = Pseudonymizer(keys=["3:" + "key material " * 2])
BOB = ENGINE.token("username", "bob")
PAIRS = [("bob", "<B>")]

words = st.text(st.characters(whitelist_categories=("Ll", "Lu", "Nd")), min_size=3, max_size=12)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("login failed for bob", "login failed for <B>"),
        ("Bob's BOB,bob", "<B>'s <B>,<B>"),
        ("/users/bob/orders?u=bob&x=1", "/users/<B>/orders?u=<B>&x=1"),
        ("{'user': 'bob'}", "{'user': '<B>'}"),
        ("bob@example.com", "<B>@example.com"),
        ("q=user%3Dbob%26x", "q=user%3D<B>%26x"),
        (r"a\nbob", r"a\n<B>"),
        (r"{\u0022bob\u0022}", r"{\u0022<B>\u0022}"),
        ("\x1b[31mbob\x1b[0m", "\x1b[31m<B>\x1b[0m"),
        ("CORP\\bob", "CORP\\<B>"),
        ("bobby bobsled kabob user_bob bob_ bob7 bobé", "bobby bobsled kabob user_bob bob_ bob7 bobé"),
        ("", ""),
    ],
)
def test_replaces_whole_words_in_any_case(text, expected):
    """Word-bounded occurrences go, also next to percent, backslash and terminal escapes; parts of words stay."""
    assert Search(PAIRS).replace(text) == expected


@pytest.mark.parametrize("raw", ["bob@example.com", "José Ünï", "o'brien", 'a"quote', "CORP\\bob", "a b", "x/y"])
@pytest.mark.parametrize(
    "form",
    [
        str, urllib.parse.quote, urllib.parse.quote_plus, lambda raw: urllib.parse.quote(raw, safe=""), str.upper,
        lambda raw: json.dumps(raw)[1:-1], lambda raw: json.dumps({"u": raw}, ensure_ascii=False),
        lambda raw: urllib.parse.urlencode({"u": raw}), lambda raw: urllib.parse.quote(raw, safe="").lower(),
        html.escape, lambda raw: json.dumps(json.dumps(raw)), lambda raw: raw.translate({97: 0xFF41, 98: 0xFF42}),
    ],
)  # fmt: skip
def test_replaces_encoded_forms(raw, form):
    """Percent-encoded and JSON-escaped forms of an identity name it just as well."""
    text = f"before {form(raw)} after"

    replaced = Search([(raw, "<B>")]).replace(text)

    assert "<B>" in replaced
    assert form(raw) not in replaced
    assert replaced.startswith("before ")
    assert replaced.endswith(" after")


def test_finds_composed_and_decomposed_letters():
    """An accent may be one character or two."""
    assert Search([("caf\u00e9", "<B>")]).replace("cafe\u0301 caf\u00e9") == "<B> <B>"


def test_short_values_are_not_looked_for():
    """Values under three characters would hit too much."""
    assert Search([("42", "<B>"), ("al", "<B>")]).replace("id 42, al") == "id 42, al"
    assert ENGINE.pairs({"user_id": 42, "username": "al"}) == []


def test_the_longest_at_a_place_wins():
    """An e-mail address is not cut up by the user name in it."""
    pairs = [("bob", "<U>"), ("bob@example.com", "<E>")]

    assert Search(pairs).replace("bob@example.com bob") == "<E> <U>"


def test_leaves_tokens_alone():
    """What stands inside a token is no occurrence, not even the network of an address."""
    address = ENGINE.address("203.0.113.0")

    hidden = Search([("203.0.113.0", "<A>"), (BOB[-32:], "<T>")])

    assert hidden.replace(f"{address} {BOB}") == f"{address} {BOB}"
    assert Search([("203.0.113.0", address)]).replace("203.0.113.0") == address


def test_an_address_is_not_found_in_a_longer_one():
    """`::1` is no part of 2001:db8::1, 10.0.0.1 none of 10.0.0.12."""
    pairs = [("::1", "<A>"), ("10.0.0.1", "<A>")]

    assert Search(pairs).replace("2001:db8::1 10.0.0.12 ::1 10.0.0.1") == "2001:db8::1 10.0.0.12 <A> <A>"


def test_positions_survive_letters_that_grow_in_lower_case():
    """A capital I with a dot is two characters in lower case; spans are still those of the text."""
    text = "İİ bob İ"

    assert Search(PAIRS).spans(text) == [(3, 6, "<B>")]


def test_members_of_containers_are_looked_for():
    """A list of users in an identity field gives a pair for each."""
    pairs = ENGINE.pairs({"username": ["alice", "bob"], "user_id": {"id": 1001, "ok": True}})

    assert pairs == [
        ("alice", ENGINE.token("username", "alice")), ("bob", BOB), ("1001", ENGINE.token("user_id", 1001)),
    ]  # fmt: skip


@given(st.lists(words, min_size=1, max_size=4), st.lists(words | st.sampled_from(["/", " ", "%20", ":"]), max_size=20))
def test_a_second_pass_changes_nothing(names, parts):
    """Replacing is idempotent, and no name is left as a word."""
    pairs = ENGINE.pairs({"username": names})
    text = " ".join([*parts, *names])

    once = Search(pairs).replace(text)

    assert Search(pairs).replace(once) == once
    left = {word.lower() for word in re.split(r"\W+", re.sub(r"usr_k3_[0-9a-f]{32}", " ", once)) if word}
    assert left.isdisjoint({name.lower() for name in names})


@given(st.text(max_size=60), st.lists(st.text(max_size=8), max_size=4))
def test_spans_are_in_order_and_in_range(text, raws):
    """Whatever the text and the raw values: spans are sorted, apart, and inside the text."""
    found = Search([(raw, "<X>") for raw in raws]).spans(text)

    ends = [0, *(end for _, end, _ in found)]
    assert all(end <= start < stop <= len(text) for end, (start, stop, _) in zip(ends, found, strict=False))


@pytest.mark.parametrize(
    "unit",
    ["bob ", "bob", "bo", "ip_k1_", "203.0.113.0/24_ip_k3_" + "0" * 32 + " ", "%20", "\\n", "\x1b[", "_k", "İ"],
)
def test_cost_is_linear(unit):
    """Twice the text takes about twice the work of this thread, whatever the text."""
    text = unit * (100_000 // len(unit))
    pairs = [("bob", "<B>"), ("203.0.113.0", "<A>"), ("b%o\\b", "<C>")]

    once, twice = (
        min(
            timeit.repeat(
                lambda size=size: Search(pairs).replace(text * size), timer=time.thread_time, number=1, repeat=7
            )
        )
        for size in (1, 2)
    )

    assert twice < once * 3.5 + 0.005


def test_long_values_are_not_remembered():
    """The forms of a long value are many times as long: thousands of them would fill the memory."""
    before = _occurrences._known_forms.cache_info().currsize

    for number in range(20):
        assert len(_occurrences.needles(f"{number} " + "ä b" * _occurrences.MAX_KNOWN)) > 1

    assert _occurrences._known_forms.cache_info().currsize == before
