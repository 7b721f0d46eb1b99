"""The redactor's settings: keys, patterns, known values, and what stands in a secret's place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seclog_handlers.errors import ConfigurationError
from seclog_handlers.redaction import Redactor

SECRET = "hunter2" + "Xy9!zQ"


@pytest.mark.parametrize(
    ("keys", "value"),
    [(["employee_no"], {"employeeNo": "abc"}), (["*_ref"], {"case_ref": "abc"}), (["internal_*"], {"internal_x": "abc"}), (["user.profile.nick"], {"a": {"user": {"profile": {"nick": "abc"}}}}), (["nick"], {"a": [{"nick": 5}]})],
)  # fmt: skip
def test_own_keys_are_secret(keys: list[str], value: Any) -> None:
    """Names in any spelling, suffixes, prefixes and paths can be declared secret."""
    assert "[REDACTED]" in repr(Redactor(keys=keys).value(value))
    assert "[REDACTED]" not in repr(Redactor().value(value))


def test_own_keys_count_in_text_too() -> None:
    """A declared key is found in text in any of its spellings."""
    redactor = Redactor(keys=["employee_no"])

    assert redactor.text("employeeNo=77x employee-no: 88y") == "employeeNo=[REDACTED] employee-no: [REDACTED]"


@pytest.mark.parametrize("allow", [["token"], ["*ken"], ["tok*"], ["a.token"]])
def test_allowed_keys_are_not_secret(allow: list[str]) -> None:
    """What is allowed prevails over the built-in rules."""
    assert Redactor(allow=allow).value({"a": {"token": "abc123"}}) == {"a": {"token": "abc123"}}


def test_own_patterns_are_found() -> None:
    """Matches of a pattern go; a group named `secret` narrows them."""
    redactor = Redactor(patterns=[r"EMP-\d{6}", r"badge (?P<secret>[A-Z]{4})"])

    assert redactor.text("EMP-123456 with badge WXYZ") == "[REDACTED] with badge [REDACTED]"


@pytest.mark.parametrize(
    "pattern", ["(", "a*", r"(a+)+$", r"(a|a)*b", r"[a-z]+@", r"(\d+\s*)+x", r"x(.*)y(.*)z(.*)!", r"(?:a?){30}a{30}"]
)
def test_bad_patterns_are_refused(pattern: str) -> None:
    """What is no regular expression, matches nothing, or is not linear stops the start, with the reason."""
    with pytest.raises(ConfigurationError, match=r"redact\.patterns"):
        Redactor(patterns=[pattern])


@pytest.mark.parametrize(
    "pattern",
    [
        r"EMP-\d{6}",
        r"\b[A-Z]{2}\d{8}\b",
        r"key-[0-9a-f]{32}",
        r"(?i)project x",
        r"AC[0-9a-f]{32}",
        r"(?:foo|bar)-\w{1,32}",
    ],
)
def test_linear_patterns_are_taken(pattern: str) -> None:
    """Ordinary patterns pass the growth check."""
    assert Redactor(patterns=[pattern]).text("nothing here") == "nothing here"


def test_known_values_are_found_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Values by reference and by name of variable go wherever they stand, exactly matched."""
    (tmp_path / "key").write_text("correct horse battery\n")
    monkeypatch.setenv("SHOP_PASSWORD", "sesame-open")
    monkeypatch.setenv("MY_VALUE", "blue42moon")
    redactor = Redactor(known_values=["*_PASSWORD", "env:MY_VALUE", f"file:{tmp_path / 'key'}"])

    assert (
        redactor.text("say sesame-open, blue42moon! correct horse battery.")
        == "say [REDACTED], [REDACTED]! [REDACTED]."
    )


@pytest.mark.parametrize("entry", ["env:NOT_SET_ANYWHERE", "file:/does/not/exist", "a literal value!", "env:SHORT_ONE"])
def test_bad_references_stop_the_start(entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference to nothing, a value too short, and a literal are configuration errors."""
    monkeypatch.setenv("SHORT_ONE", "ab")

    with pytest.raises(ConfigurationError, match=r"redact\.known_values"):
        Redactor(known_values=[entry])


@pytest.mark.parametrize(
    ("censor", "expected"),
    [("[REDACTED]", "password=[REDACTED] x"), ("<{kind}>", "password=<password> x"), ("***", "password=*** x"), ("mask", "password=****9!zQ x"), ("remove", "password=[] x")],
)  # fmt: skip
def test_censors(censor: str, expected: str) -> None:
    """A marker, its kind, a mask or nothing stands in the secret's place, and a second pass changes nothing."""
    redactor = Redactor(censor=censor)

    clean = redactor.text(f"password={SECRET} x")

    assert clean == expected
    assert redactor.text(clean) == clean


def test_removing_drops_the_entry_of_a_mapping() -> None:
    """With `remove` a secret's key goes with it."""
    assert Redactor(censor="remove").value({"password": SECRET, "n": 1}) == {"n": 1}
    assert Redactor(censor="remove").fields({"password": SECRET, "n": 1}) == {"n": 1}


def test_tokens_compare_equal_secrets() -> None:
    """With `token` equal secrets give equal tokens, others other ones, and another process yet others."""
    first, second = Redactor(censor="token"), Redactor(censor="token")

    assert first.value(SECRET, key="password") == first.value(SECRET, key="pwd")
    assert first.value(SECRET, key="password") != first.value(SECRET + "1", key="password")
    assert first.value(SECRET, key="password") != second.value(SECRET, key="password")


@pytest.mark.parametrize("censor", ["hash", "", " ", "[{x}]", "a\nb", "password=x1y2z3", 5])
def test_unknown_censors_stop_the_start(censor: Any) -> None:
    """What is neither a marker nor one of the words is a configuration error."""
    with pytest.raises(ConfigurationError, match=r"redact\.censor"):
        Redactor(censor=censor)


@pytest.mark.parametrize("setting", [{"keys": 3}, {"allow": [1]}, {"patterns": [None]}, {"known_values": 5}])
def test_wrong_types_stop_the_start(setting: dict[str, Any]) -> None:
    """Settings of the wrong type are configuration errors that name the key."""
    with pytest.raises(ConfigurationError, match=r"redact\."):
        Redactor(**setting)


def test_short_masked_secrets_show_nothing() -> None:
    """A mask keeps the last four of long secrets only."""
    assert Redactor(censor="mask").value("hunter2x", key="password") == "****"


def test_the_marker_may_name_the_kind():
    """`{kind}` in the marker is what was found; a second pass leaves it."""
    redactor = Redactor(censor="[REDACTED:{kind}]")

    once = redactor.text("password=hunter2-hunter2 and bob@example.org")

    assert once.count("[REDACTED:") == 2
    assert redactor.text(once) == once
