"""What one record may cost is bounded, whatever is in it: counted in calls, not in time."""

from __future__ import annotations

import base64
import json
import logging
import random
import sys
from collections.abc import Callable
from typing import Any

import pytest

from seclog_handlers import SecurityHandler, redaction
from seclog_handlers.filters import RedactionFilter
from seclog_handlers.redaction import Redactor
from seclog_handlers.redaction.budget import Budget

SIZE = 250_000
DENSE = "[WITHHELD: too many names]"
# Calls of functions that one record may cause. The worst causes 205,000, in 40 ms; without a budget 3.7 million.
CALLS = 250_000

_random = random.Random(7)
_letters = "".join(_random.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=SIZE))
_printable = "".join(_random.choices([chr(code) for code in range(32, 127)], k=SIZE))
_json = json.dumps([{"password": "x", "n": number} for number in range(9_000)])

TEXTS = {
    "assignments": "password='x' ", "sentences": "the password for bob is Xy7! ", "one long name": "PaSsWoRd",
    "weak names": "pin key code ", "lists": "password=[1, 2] ", "pairs": "('password', 'x'), ",
    "codes": "recovery codes: abc1 abc2 ", "logins": "LOGIN bob hunter22 ", "calls": "login('bob', 'hunter22!') ",
    "options": " -u bob -p x1y2z3!! ", "spoken": "enter 123456 to verify ", "cookies": "cookie: " + "a=b; " * 50_000,
    "headers": "Authorization: Bearer abcdef0123456789 ", "tokens": "ghp_" + "a1B2" * 9 + " ",
    "URLs": "https://bob:hunter22@db.example.org/ ", "users": "bob:hunter22@host ", "e-mail": "a@b.co,",
    "numbers": "4111 1111 1111 1111 ", "IBANs": "DE89370400440532013000 ", "IPv6": "fe80:0:0:0:1:2:3:4,",
    "paths": "/reset/abcdef0123456789ABCD/ ", "percent": "%41", "percent of percent": "%2541", "escapes": "\\u0070",
    "backslashes": "\\", "entities": "&#65;", "full width": "\uff50", "nothing seen": "\u200b", "Cyrillic": "\u0440",
    "base64": base64.b64encode(b"password=hunter2").decode() + " ",
    "base64 of base64": base64.b64encode(base64.b64encode(b"password=hunter2")).decode() + " ",
    "letters": _letters, "words": " ".join(_letters[at : at + 4] for at in range(0, SIZE, 4)),
    "lines": "\n".join(_letters[at : at + 76] for at in range(0, SIZE, 76)), "printable": _printable,
    "JSON": _json, "JSON in JSON": json.dumps(json.dumps(json.dumps(_json))), "brackets": "token=(",
}  # fmt: skip


def calls(work: Callable[[], object]) -> int:
    """Return how many functions, of Python and of C, `work` calls."""
    count = 0

    def counted(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def filled(text: str) -> str:
    return (text * (SIZE // len(text) + 1))[:SIZE]


def record_of(message: Any = "x", **fields: Any) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "shop", "msg": message, "levelname": "INFO", **fields})


@pytest.mark.parametrize("name", TEXTS)
def test_a_dense_text_costs_no_more_than_the_budget(name: str) -> None:
    """250 kB of any notation, of encodings and of random characters cause a bounded number of calls."""
    redactor, text = Redactor(), filled(TEXTS[name])

    assert calls(lambda: redactor.text(text)) <= CALLS


@pytest.mark.parametrize("name", ["assignments", "printable", "JSON", "base64"])
def test_the_surfaces_of_a_record_share_one_budget(name: str) -> None:
    """Twelve dense fields, a dense message and a dense list cost no more than one of them."""
    text = filled(TEXTS[name])
    parts = [text[at : at + 50] for at in range(0, SIZE, 50)]
    record = record_of(text, parts=parts, **{f"field{number}": f"{number} {text}" for number in range(12)})
    stage = RedactionFilter()

    assert calls(lambda: stage.filter(record)) <= CALLS


def test_a_long_text_does_not_take_short_ones_with_it() -> None:
    """Beside a message and a list that use up the budget, addresses and names are still judged on their own."""
    dense = filled("password='x' ")
    record = record_of(
        dense, names=[f"password=x{n}" for n in range(5_000)], ip_address="81.2.69.142", note="pin: 4711"
    )

    RedactionFilter().filter(record)

    assert record.msg == DENSE
    assert record.__dict__["ip_address"] == "81.2.69.142"
    assert record.__dict__["note"] == "pin: [REDACTED]"


def test_what_was_withheld_says_so() -> None:
    """A record of which a text was withheld is marked; the next one is not."""
    dense, next_one = record_of(filled("password='x' ")), record_of("all is well")
    stage = RedactionFilter()

    stage.filter(dense)
    stage.filter(next_one)

    assert dense.__dict__["seclog_error"] == ["RedactionFilter:TooDenseError"]
    assert "seclog_error" not in next_one.__dict__


def test_what_was_withheld_is_counted() -> None:
    """`stats()` counts a record of which a text was withheld; not one whose application says the same words."""
    handler = SecurityHandler(logging.NullHandler())

    handler.handle(record_of("x", body=filled("password='x' ")))
    handler.handle(record_of("x", seclog_error=["RedactionFilter:TooDenseError"]))

    assert handler.report()["withheld"] == 1


def test_the_rest_of_a_list_goes_when_the_budget_is_spent() -> None:
    """What follows the last item that was judged is not shown."""
    clean = redaction.Redactor().value([f"password={number} and on" for number in range(4_000)])

    assert 100 < len(clean) < 4_000
    assert clean[-1] == DENSE
    assert clean[-2] == "password=[REDACTED] and on"


def test_an_empty_budget_withholds_and_a_large_one_does_not() -> None:
    """The budget that is passed is the one that counts."""
    text, empty, large = filled("password='x' "), Budget(), Budget()
    empty.left = 0
    large.left = 10**9

    assert Redactor().text(text, empty) == DENSE
    assert Redactor().text(text, large) == text.replace("'x'", "'[REDACTED]'")


def test_what_was_withheld_for_want_of_budget_is_not_remembered() -> None:
    """A short text, a named one and a message that a dense record cost their text are whole in the next one."""
    redactor = Redactor()
    fields = {"note": "password=x1 and on", "code": "of password=x2"}

    def nearly_spent() -> Budget:
        budget = Budget()
        budget.left, budget._reserve = 22, 0
        return budget

    assert redactor.fields(fields, budget=nearly_spent()) == {"note": DENSE, "code": DENSE}
    assert redactor.text("password=x3 and on", nearly_spent()) == DENSE
    assert redactor.message("password=%s and %s", ("x4", "on"), nearly_spent()) == (DENSE, ())

    assert redactor.fields(fields) == {"note": "password=[REDACTED] and on", "code": "of password=[REDACTED]"}
    assert redactor.text("password=x3 and on") == "password=[REDACTED] and on"
    assert redactor.message("password=%s and %s", ("x4", "on")) == ("password=%s and %s", ("[REDACTED]", "on"))
