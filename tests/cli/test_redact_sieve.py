from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seclog_handlers.cli.redact_sieve import Sieve
from seclog_handlers.redaction import Redactor
from tests.redaction.test_classes import NOTATIONS, SECRET

REDACTOR = Redactor()
SIEVE = Sieve(REDACTOR)

# What lines are made of, harmless and not; some are secret only beside another one.
PIECES = (
    "INFO", "login", "of", "to", "for", "as", "is", "your", "enter", "use", "code", "verify", "the", "my", "api", "key", "one-time",
    "password", "pass", "token", "secret", "pin", "Basic", "Bearer", "session", "id", "number", "card", "account", "security", "AT",
    "password=hunter2x", "status_code=200", "session_count=5", "error_code", "response_time=12ms", "user=bob", "request=0a1b2c3d",
    "200", "5123", "123456", "1234567", "4111", "1111", "4111111111111111", "+49", "(030)", "030", "555-0199", "078-05-1120", "0.25",
    "203.0.113.7", "203.0.113.7:443", "2001:db8::1", "2026-11-23", "07:00:01", "2026-11-23T07:00:01.123Z", "[23/Nov/2026:07:00:01", "+0000]",
    "GET", "/api/v1/orders/123", "HTTP/1.1", "https://shop.example/", "https://u:p4ss@db.example/", "/reset/Zk39fhA8slQ2mN7x", "?a=1&b=2",
    "bob@example.com", "curl", "-u", "bob:hunter2x", "mysql", "-phunter2x", "--password", "http", "echo", "|", "insert", "into", "AUTH",
    "0f3a" * 8, "123e4567-e89b-12d3-a456-426614174000", "AKIA" + "Q" * 16, "dXNlcjpodW50ZXIyeC1a", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
    "pgp_sym_decrypt(data", "'hunter2x')", "LOGIN", "bob", "hunter2xQ", '"SETUSER"', '">hunter2x"', "WIFI:T:WPA;S:O;P:hunter2x;;", "&p=hunter2x",
    "db:5432:*:app:hunter2x", "7z x a.7z", "changePassword('hunter2x')", "login admin/hunter2xQ at h", "334 UGFzc3dvcmQ6", "connected", "auth(",
    "deepgram", "948c19ecde2818a1a357fffb14d2fc2a03d3c56e", "https://a.infura.io/v3/7238211010344719ad14a89db874158c", "input_value='hunter2x'",
    "DE89", "3704", "0044", "0532", "0130", "00", "QQ", "12", "34", "56", "C", "%70assword", "pass&quot;", "caf\u00e9", "\uff50\uff41\uff53\uff53", "\u200b",
    "Intel", "Mac", "app.auth.views", "author", "monkey", "first", "second", "no", "sessions", "cleanup", "db", "AUTH", "auth", "xy|as:frKe*786SoX",
    "customer=7281054", "/checkout/5ae74b81-ea30-febd-d531-fd7f794b13dd", "/app.57866ba3.js", "/reset/57866ba3c5d5", "BasicID/" + "0f3a" * 8,
    "7b2270617373776f7264223a2268756e746572227d", "request=70617373776f72643d68756e7465723278", "/x/70617373776f72643d68756e7465723278/y",
    "$apr1$ab$Poj8VmKBk.f.dlwCg.VoWp", "sent:", "attempt", "[root/hunter2x]", "state", "tan", "clave", "/calendar/private-" + "0f3a" * 8,
    "command:", "/login", "+login", "hunter2xQ", "PJSIP/+33672874052", "login(user,", "\"hunter2xQ\")",
    "-----BEGIN", "RSA", "PRIVATE", "KEY-----", "\\u0070", "\x1b[31m", "\x00", "-", "--", "(", ")", ",", ";", ":", "=", "{", "}", '"', "'", "\r",
)  # fmt: skip
SEPARATORS = (
    " ",
    " ",
    " ",
    "",
    "  ",
    "\t",
    "=",
    ": ",
    ":",
    ", ",
    "-",
    ".",
    "/",
    " - ",
    ' "',
    '" ',
    "(",
    ") ",
    "|",
    ";",
)


def line() -> st.SearchStrategy[str]:
    pieces = st.tuples(st.sampled_from(PIECES), st.sampled_from(SEPARATORS)).map("".join)
    return st.lists(pieces, max_size=8).map("".join)


def is_sound(text: str) -> bool:
    """Whether the engine changes nothing in a line that passes."""
    return not SIEVE.passed(text)[0] or REDACTOR.text(text) == text


@settings(max_examples=1500, deadline=None)
@given(line())
@example("one-time status_code=123456")
@example("enter 123456 to verify")
@example("123456 - use this code to sign in")
@example("code sent: 123456")
@example("request=70617373776f72643d68756e7465723278")
@example("GET /x?a.70617373776f72643d68756e7465723278.y")
@example("bob $apr1$ab$Poj8VmKBk.f.dlwCg.VoWp x")
@example("QQ 12 34 56 C")
@example("call 030\t1234567")
def test_what_passes_is_clean(text: str) -> None:
    """No line passes in which the engine would change anything."""
    assert is_sound(text)


@settings(max_examples=500, deadline=None)
@given(st.text(st.sampled_from("0123456789 -.()/+\t:,aAZ="), max_size=40))
def test_numbers_that_pass_are_nobodys(text: str) -> None:
    """Whatever digits and separators follow each other: no card, phone or id passes."""
    assert is_sound(text)


def test_many_lines_with_few_words() -> None:
    """What it has learned of one line never lets a worse one pass."""
    draw = random.Random(7)
    lines = [
        "".join(draw.choice(PIECES) + draw.choice(SEPARATORS) for _ in range(draw.randrange(1, 7)))
        for _ in range(20_000)
    ]
    lines = [text.replace("\n", " ") for text in lines]

    passed = zip(lines, SIEVE.passed("\n".join(lines)), strict=True)
    wrong = [text for text, clean in passed if clean and REDACTOR.text(text) != text]

    assert wrong == []


@pytest.mark.parametrize(
    "text",
    [
        '203.0.113.7 - - [23/Nov/2026:07:00:01 +0000] "GET /api/v1/orders/47 HTTP/1.1" 200 5123 "https://shop.example/cart" "curl/8.4.0"',
        "2026-11-23 07:00:01,123 INFO shop.orders: order 4711 placed, 3 items, in 0.0341 s request=0a1b2c3d4e5f6071 status_code=200",
        "2026-11-23T07:00:01.123Z INFO [worker-3] job 123e4567-e89b-12d3-a456-426614174000 finished from 203.0.113.7:443 with exit status 0",
        '8.8.4.4 - - [21/Sep/2026:14:13:20 +0000] "GET /orders/1600a35a-0999-50d8-36f6-75cc81e74ef5/items/2 HTTP/1.1" 200 6205 "-" "(Macintosh; Intel Mac OS X)"',
        "INFO [app.auth.views] [req=3898d190-f9eb-dacc-0cb1-e29c658cda14] session cleanup removed 6020181 rows build=0dd27a6 /static/app.fb5c9d56.js",
        "",
    ],
)
def test_ordinary_lines_take_the_short_way(text: str) -> None:
    """It is worth its while: access and application logs pass."""
    assert SIEVE.passed(text) == [True]


@pytest.mark.parametrize(
    "text",
    [
        "Intel id=hunter2x", "session key: hunter2-Zx9", "session frKe*786SoX", "session: frKe*786SoX", "session passenger|as:frKe*786SoX-1688",
        "api key Zk39fhA8slQ2mN7x", "BasicID/" + "0f3a" * 8, "auth ['bob', 'hunter2-Zx9']",
    ],
)  # fmt: skip
def test_words_that_may_be_names_are_judged_with_their_neighbours(text: str) -> None:
    """A word that means nothing by itself may mean something beside another one."""
    assert is_sound(text)


def test_hexadecimal_names_of_users_are_seen() -> None:
    """An id in a path is no id if the policy knows its letters as a name."""
    redactor = Redactor(keys=["cafe"])

    assert Sieve(redactor).passed("/x/0cafe=0a1b2c3d4e")[0] is False


def test_lines_are_judged_one_by_one() -> None:
    """A secret in a line is no reason to look at its neighbours."""
    assert SIEVE.passed("started\npassword=hunter2x\ndone\n") == [True, False, True, True]


def test_users_own_keys_count() -> None:
    """A name that the policy adds is a name for the short way too."""
    sieve = Sieve(Redactor(keys=["plate", "req_*"]))

    assert sieve.passed("plate=ABC123\nreq_x=0a1b2c3d\nother=abc12") == [False, False, True]


@pytest.mark.parametrize("text", ["x" * 3_000, "://" * 1_000, "a" * 97, "1 " * 1_500])
def test_unusual_lines_go_to_the_engine(text: str) -> None:
    """Long words and long lines are the engine's business."""
    assert SIEVE.passed(text) == [False]


def test_memory_is_bounded() -> None:
    """However many different words a file has, only so many are remembered."""
    sieve = Sieve(REDACTOR)
    letters = "abcdefghijklmnop"
    lines = [
        f"z{letters[n & 15]}{letters[n >> 4 & 15]}{letters[n >> 8 & 15]}{letters[n >> 12 & 15]}{letters[n >> 16]}"
        for n in range(90_000)
    ]

    sieve.passed("\n".join(lines))

    assert len(sieve._harmless) <= 65_536


def scalars() -> st.SearchStrategy[Any]:
    return st.one_of(
        line(),
        st.sampled_from(PIECES),
        st.integers(),
        st.integers(10**11, 10**17),
        st.booleans(),
        st.none(),
        st.floats(),
    )


@settings(max_examples=500, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*PIECES, "name", "value", "path", "status"]),
        st.recursive(scalars(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(PIECES), inner, max_size=3), max_leaves=6),
        max_size=4,
    )
)  # fmt: skip
def test_a_record_that_passes_is_clean(record: dict[str, Any]) -> None:
    """No JSON line passes in which the engine would change anything, by key or by value."""
    text = SIEVE.strings(record)

    if text is not None and SIEVE.passed(text) == [True]:
        assert repr(REDACTOR.fields(record)) == repr(record)


def test_ordinary_records_take_the_short_way() -> None:
    """It is worth its while for JSON lines too."""
    record = {
        "timestamp": "2026-11-23T07:00:01.123Z", "level": "INFO", "message": "order 4711 placed", "event_type": "api_response",
        "status_code": 200, "http": {"path": "/api/v1/orders/47", "took": 0.0123456789}, "tags": ["a", None, True], "ip_address": "203.0.113.7",
    }  # fmt: skip
    text = SIEVE.strings(record)

    assert text is not None
    assert SIEVE.passed(text) == [True]


@pytest.mark.parametrize("name", NOTATIONS)
def test_no_notation_passes(name: str) -> None:
    """Every notation in which the engine finds a secret goes to the engine, also when its words were seen before."""
    text = NOTATIONS[name].format(SECRET, SECRET)
    sieve = Sieve(REDACTOR)

    passed = [sieve.passed(text), sieve.passed(text)][1]

    for line, clean in zip(text.split("\n"), passed, strict=True):
        assert not clean or REDACTOR.text(line) == line
