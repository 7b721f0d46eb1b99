"""A secret that its name gives away goes wherever else in the record it stands."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers import redact
from seclog_handlers.cli.redact_lines import LineRedactor
from seclog_handlers.cli.redact_rules import Rules
from seclog_handlers.filters import RedactionFilter
from seclog_handlers.redaction import Redactor
from seclog_handlers.redaction.censor import Censor
from seclog_handlers.redaction.echoes import echoes
from tests.support import record, secured

SECRET = "sup3r-s3cret"


def shown(one: logging.LogRecord) -> str:
    one = logging.makeLogRecord(one.__dict__)
    RedactionFilter().filter(one)
    return repr(one.__dict__) + one.getMessage()


def _raised() -> Any:
    try:
        raise ValueError(f"cannot use {SECRET}")
    except ValueError as error:
        return type(error), error, error.__traceback__


@pytest.mark.parametrize(
    "one",
    [
        record("got %s", (SECRET,), password=SECRET),
        record("got %(it)s", ({"it": SECRET},), password=SECRET),
        record(f"got {SECRET}", password=SECRET),
        record("SET password='%s'", (SECRET,), params=[1, {"value": SECRET}]),
        record("failed", config={"api_key": SECRET}, exc_info=_raised()),
        record("failed", config={"api_key": SECRET}, stack_info=f'Stack:\n  connect("{SECRET}")'),
        record(f"password={SECRET}", note=f"tried {SECRET}, no", path=f"/x?y={SECRET}"),
    ],
    ids=["argument", "mapping", "message", "list", "exception", "stack", "text"],
)
def test_it_goes_with_the_one_that_is_named(one: logging.LogRecord) -> None:
    """On each surface; on a record in which nothing names it, it stays."""
    assert SECRET not in shown(one)


def test_what_nothing_names_stays() -> None:
    """The search itself finds nothing by its looks: the test above would fail without it."""
    assert SECRET in shown(record("got %s", (SECRET,), note=SECRET))


@pytest.mark.parametrize("word", ["production", "user-1234", "20260101", "checkout"])
def test_words_stay(word: str) -> None:
    """A password that may be a word of the trade takes no other field with it."""
    fields = record_fields(record("x", password=word, environment=word, note=f"in {word}."))
    assert (fields["environment"], fields["note"]) == (word, f"in {word}.")
    assert not echoes([(f"password={word}", "password=[REDACTED]")], Censor())


def record_fields(one: logging.LogRecord) -> dict[str, Any]:
    RedactionFilter().filter(one)
    return one.__dict__


def test_an_identity_keeps_its_token() -> None:
    """A user whose password is the name is still told from others."""
    logger, lines = secured({"pseudonyms.keys": "k1:" + "0" * 32})

    logger.info("login", extra={"username": SECRET, "password": SECRET})

    [line] = lines.lines
    assert line["username"].startswith("usr_k1_")


@pytest.mark.parametrize("value", [{"password": SECRET, "note": [SECRET]}, [f"password={SECRET}", f"is {SECRET}"]])
def test_values_and_files_do_the_same(value: Any) -> None:
    """`redact()` and `seclog redact` look for it, too."""
    assert SECRET not in repr(redact(value))
    line = json.dumps({"data": value, "x": SECRET})
    assert SECRET not in LineRedactor(Rules({}, None, {})).block(line + "\n")


@pytest.mark.parametrize("censor", ["[SECRET]", "[{kind}]", "mask", "token", "remove"])
def test_every_censor(censor: str) -> None:
    """What stands in its place is the same in both places."""
    clean = Redactor(censor=censor).value({"text": f"password='{SECRET}'", "note": f"so {SECRET}!"})

    assert SECRET not in repr(clean)
    assert clean["text"][len("password='") : -1] == clean["note"][len("so ") : -1]


@given(st.lists(st.tuples(st.text(max_size=6), st.text("abcXYZ019!-_/ ", min_size=1, max_size=12)), max_size=5))
def test_what_was_taken_out_stood_there(parts: list[tuple[str, str]]) -> None:
    """Whatever stands between secrets, only what was in the text is taken for one."""
    before = "".join(text + secret for text, secret in parts)
    after = "".join(text + "[REDACTED]" for text, _ in parts)

    for secret, instead in echoes([(before, after)], Censor()):
        assert secret in before
        assert instead == "[REDACTED]"


def test_a_record_full_of_secrets_is_gone_through_once() -> None:
    """Where half of the budget is gone, nothing more is looked for: the cost of a record stays bounded."""
    text = f"password='{SECRET}' " * 1_500
    one = record(text, note=f"is {SECRET}")

    RedactionFilter().filter(one)

    assert SECRET in one.__dict__["note"]
