from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclog_handlers.cli.redact_identities import Identities
from seclog_handlers.cli.redact_lines import LineRedactor
from seclog_handlers.cli.redact_rules import Rules
from seclog_handlers.cli.streams import Overlong, blocks, decoded, encoded
from seclog_handlers.pseudonym import DEFAULT_FIELDS, Pseudonymizer
from seclog_handlers.redaction import Redactor
from tests.cli.test_redact_sieve import line, scalars

SECRET = "hunter2-Zx"
TOKENS = Pseudonymizer(keys=["k1:" + "a" * 32])
NAMES = {name: name for name in DEFAULT_FIELDS}
KEY_LINES = ["MIIEowIBAAKCAQEA" + "b3BlbnNzaC1rZXkt" * 3, "Zm9vYmFyYmF6cXV4" * 4, "QUJDREVGRw=="]


def redacted(text: str, *, tokens: bool = False, **rules: Any) -> tuple[str, LineRedactor]:
    redactor = LineRedactor(Rules(rules, TOKENS if tokens else None, NAMES))
    return redactor.block(text), redactor


@settings(max_examples=300, deadline=None)
@given(
    st.lists(line().filter(lambda text: text.lstrip()[:1] not in ("{", "[") and "-----BEGIN" not in text), max_size=6)
)
def test_text_is_what_the_engine_makes_of_each_line(lines: list[str]) -> None:
    """Lines of text come out as Redactor.text would write them, with the same line ends."""
    text = "\n".join(lines)

    assert redacted(text)[0] == "\n".join(map(Redactor().text, lines))


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.text(max_size=8), st.recursive(scalars(), lambda inner: st.lists(inner, max_size=3)), max_size=4)
)
def test_json_stays_json(record: dict[str, Any]) -> None:
    """A JSON line comes out as one JSON line with the same keys in the same order, unless keys are secret themselves."""
    clean, _ = redacted(json.dumps(record) + "\n", tokens=True)

    assert clean.endswith("\n")
    assert len(json.loads(clean)) == len(record)
    assert clean.count("\n") == 1


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(line(), st.dictionaries(st.sampled_from(["username", "a", "b"]), line(), max_size=3).map(json.dumps)),
        max_size=5,
    )
)
def test_a_second_pass_changes_nothing(lines: list[str]) -> None:
    """What came out is clean."""
    once, _ = redacted("\n".join(lines) + "\n", tokens=True)

    assert redacted(once, tokens=True)[0] == once


@given(st.binary(max_size=300), st.integers(1, 50))
def test_bytes_survive_the_way_in_and_out(raw: bytes, size: int) -> None:
    """Whatever bytes a file holds, and however they arrive, what is read is what is written."""

    class Pipe(io.BytesIO):
        def read1(self, _: int = -1) -> bytes:
            return super().read1(size)

    read = list(blocks(Pipe(raw)))

    assert b"".join(encoded(block) for block in read if isinstance(block, str)) == raw


@given(
    st.integers(0, 40),
    st.sampled_from(["", "\n", "\nnext"]),
    st.sampled_from([b"x", "é".encode(), "\U0001f600".encode(), b"\xe9", b"\xf0\x9f"]),
)
@settings(deadline=None, max_examples=40)
def test_a_line_longer_than_memory_is_counted(more: int, end: str, unit: bytes) -> None:
    """Its head is kept, the characters behind are counted, the next line is whole."""
    line_ = unit * (1_100_000 // len(unit) + more)

    read = list(blocks(io.BytesIO(line_ + end.encode())))

    head = read[0]
    assert isinstance(head, Overlong)
    assert len(head.head) + head.missing == len(decoded(line_))
    assert head.end + "".join(block for block in read[1:] if isinstance(block, str)) == end


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ('{"b": 1, "a": "x", "c": [1.5, null, true]}', '{"b":1,"a":"x","c":[1.5,null,true]}'),
        (f'  {{"password": "{SECRET}"}}\r', '{"password":"[REDACTED]"}\r'),
        (f'["password", "{SECRET}"]', '["password","[REDACTED]"]'),
        (f'{{"password": "{SECRET}"', '{"password": "[REDACTED]"'),
        (f'app {{"password": "{SECRET}"}}', 'app {"password": "[REDACTED]"}'),
        ("[2026-11-23] {ok}", "[2026-11-23] {ok}"),
        ('{"n": 123456789012345678901234567890}', '{"n":123456789012345678901234567890}'),
        ('{"m": "a\\u2028b"}', '{"m":"a\\u2028b"}'),
        ('{"m": "\\ud800"}', '{"m":"\\ud800"}'),
        ('{"m": "\udce9"}', '{"m":"\udce9"}'),
        ('{"m": "\udce9\\u2028"}', '{"m":"\\udce9\\u2028"}'),
        ('"text"', '"text"'),
        ("[" * 100_000 + "]" * 100_000, "[" * 100_000 + "]" * 100_000),
    ],
)  # fmt: skip
def test_notations(text: str, clean: str) -> None:
    """JSON is written compactly, all else is text; nothing breaks it."""
    assert redacted(text)[0] == clean


@pytest.mark.parametrize(
    "text",
    [
        "login username=bob for bob", 'x "username": "bob" bob', "x {'username': 'bob'} bob", "?username=bob&x=1 bob", 'username="bob" bob!',
        '{"username": "bob", "message": "bob"}', '{"user\\u006eame": "bob"}', '{"a": {"b": [{"username": "bob"}]}, "c": ["bob"], "bob": 1}', '[{"username": "bob"}, "bob"]',
    ],
)  # fmt: skip
def test_identities_are_replaced_wherever_the_line_shows_them(text: str) -> None:
    """The value of an identity field becomes the token of live logging, and so does every occurrence in that line."""
    clean, redactor = redacted(text, tokens=True)

    assert "bob" not in clean
    assert TOKENS.token("username", "bob") in clean
    assert redactor.tally.kinds["user token"] >= 1


@pytest.mark.parametrize(
    "text",
    ["username=None", "username=-", '{"username": null}', '{"username": ""}', "the username: bob", "myusername=bob"],
)
def test_what_is_nobody_stays(text: str) -> None:
    """Empty and absent identities, and prose, are left as they are."""
    assert redacted(text, tokens=True)[0].replace(" ", "") == text.replace(" ", "")


def test_an_identity_that_is_an_address_has_its_token() -> None:
    """Two e-mail user names are two people, in text as in JSON lines."""
    clean, _ = redacted('username=bob@example.com\n{"username":"bob@example.com"}\n', tokens=True)

    assert clean.count(str(TOKENS.token("username", "bob@example.com"))) == 2


def test_numbers_are_people_too() -> None:
    """42 and "42" are one user, and a number elsewhere that equals it goes as well; levels and statuses stay."""
    clean, _ = redacted('{"user_id": 4711, "peer": 4711, "status_code": 4711, "level": "4711"}', tokens=True)

    token = TOKENS.token("user_id", "4711")
    assert json.loads(clean) == {"user_id": token, "peer": token, "status_code": 4711, "level": "4711"}


def test_a_private_key_goes_with_all_its_lines() -> None:
    """A key that a log shows over many lines is taken out, the lines around it stay."""
    key = ["-----BEGIN RSA " + "PRIVATE KEY-----", *KEY_LINES, "-----END RSA " + "PRIVATE KEY-----"]
    text = "\n".join(["before", *key, "after it all", ""])

    clean, redactor = redacted(text)

    assert clean.startswith("before\n")
    assert clean.endswith("\nafter it all\n")
    assert not any(part in clean for part in KEY_LINES)
    assert clean.count("\n") == text.count("\n")
    assert redactor.tally.kinds["private-key"] >= len(KEY_LINES)


def test_a_private_key_over_two_blocks() -> None:
    """Where the file was cut for reading does not matter."""
    redactor = LineRedactor(Rules({}, None, {}))
    redactor.block("-----BEGIN " + "PRIVATE KEY-----\n")

    clean = "".join(redactor.block(f"2026-11-23 app: {part}\n") for part in KEY_LINES[:2])

    assert not any(part in clean for part in KEY_LINES)
    assert clean.count("app: ") == 2


def test_a_key_that_never_ends_takes_no_lines_for_ever() -> None:
    """Without an end, ordinary lines pass, and after some hundred lines base64 does too."""
    redactor = LineRedactor(Rules({}, None, {}))
    redactor.block("-----BEGIN " + "PRIVATE KEY-----\n" + "ordinary line of a log\n" * 500)

    assert redactor.block("a line like any other\n") == "a line like any other\n"
    assert redactor.block("Zm9v" * 12 + "\n") == "Zm9v" * 12 + "\n"


def test_figures_are_those_of_the_lines() -> None:
    """Lines, changed lines, kinds and places are counted, once for each thing found."""
    _, redactor = redacted(f'ok\npassword={SECRET} bob@example.com\n{{"x":{{"password":"{SECRET}"}},"ok":1}}\n')

    tally = redactor.tally
    assert (tally.lines, tally.changed) == (3, 2)
    assert tally.kinds == {"password": 2, "email": 1}
    assert tally.where == [(2, ("email", "password")), (3, ("password",))]


@pytest.mark.parametrize("censor", ["mask", "token", "remove", "<{kind}>"])
def test_every_way_of_censoring_is_counted(censor: str) -> None:
    """Whatever stands in a secret's place, its kind is known."""
    _, redactor = redacted(f"password={SECRET}\n", censor=censor)

    assert redactor.tally.kinds == {"password": 1}


def test_redaction_alone_and_tokens_alone() -> None:
    """Either of the two can be off."""
    text = f'{{"username":"bob","password":"{SECRET}"}}'

    assert redacted(text)[0] == '{"username":"bob","password":"[REDACTED]"}'
    assert SECRET in LineRedactor(Rules(None, TOKENS, NAMES)).block(text)


def test_an_address_that_is_none_is_withheld() -> None:
    """Where addresses are hidden, what cannot be read as one is hidden too."""
    identities = Identities(TOKENS, {"ip_address": "ip_address"}, "truncate", "[REDACTED]")

    assert identities.record({"ip_address": "secret host", "m": 1}, "") == {"ip_address": "[WITHHELD]", "m": 1}


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["username", "user_id", "email", "m", "bob", "order", "deep"]),
        st.sampled_from(["bob", "BOB", " bob ", "for bob", "x%20bob", "bob smith", "u=bob%20smith", "b\u00f6b", 'b"b', 4711, "4711", None, ["bob"]]),
        max_size=4,
    )
)  # fmt: skip
def test_a_line_that_shows_nobody_elsewhere_is_known_at_a_glance(record: dict[str, Any]) -> None:
    """Whether somebody shows outside the field for it is seen in the line as it is by going through the record."""
    identities = Identities(TOKENS, NAMES, "keep", "[REDACTED]")

    assert identities.record(record, json.dumps(record)) == identities.record(record, "\\")


@given(st.text(st.sampled_from("username=\"': {}\\bo"), max_size=80))
def test_identities_in_text_never_fail(text: str) -> None:
    """Any text comes out, and without a name nothing changes."""
    identities = Identities(TOKENS, NAMES, "keep", "[REDACTED]")

    assert "username" in text or identities.text(text) == text
