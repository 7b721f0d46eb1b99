"""What is answered from memory is what would be found anew, and memory holds no secret and no end of texts."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from seclog_handlers.redaction import Redactor
from seclog_handlers.redaction.memo import MAX_DIRTY, Memo

SECRET = "hunter2" + "Xy9!"
EXTRA = {
    "user": "bob",
    "password": SECRET,
    "count": 3,
    "headers": {"Host": "x", "Authorization": "Bearer " + SECRET, "n": 1},
    "env": {"name": "password", "value": SECRET},
}
MESSAGES: list[tuple[str, tuple[Any, ...]]] = [
    ("order %d of %s sent with Bearer %s", (4711, "alice@example.org", "k9f8e7d6c5b4a3928170")),
    ("password=%s", (SECRET,)),
    ("card %s", (4111111111111111,)),
    ("ready %s in %d ms", ("worker", 3)),
]


def all_of(redactor: Redactor) -> list[Any]:
    texts = [redactor.text(msg % args) for msg, args in MESSAGES]
    return [*texts, *(redactor.message(msg, args) for msg, args in MESSAGES), redactor.fields(EXTRA)]


@pytest.mark.parametrize("censor", ["[REDACTED]", "[{kind}]", "mask", "remove", "token"])
def test_answers_the_same_from_memory(censor: str) -> None:
    """The second time gives what the first time gave, and what a redactor without memory gives."""
    redactor, anew = Redactor(censor=censor), Redactor(censor=censor)
    anew.judge_anew()

    first, second = all_of(redactor), all_of(redactor)

    assert first == second
    if censor != "token":  # each redactor has its own key
        assert first == all_of(anew)


def test_equal_arguments_of_other_types_are_judged_anew() -> None:
    """1e16 is equal to an integer that could be a card's number, and shows differently."""
    redactor = Redactor()
    redactor.message("paid with %s", (4111111111111111.0,))

    msg, args = redactor.message("paid with %s", (4111111111111111,))

    assert "4111" not in msg % args


def test_memory_holds_no_secret() -> None:
    """Nothing reachable from a redactor contains what it has redacted."""
    redactor = Redactor()
    all_of(redactor)

    seen: set[int] = set()
    stack: list[Any] = [redactor]
    while stack:
        item = stack.pop()
        if id(item) in seen or isinstance(item, type) or type(item).__name__ in ("module", "function"):
            continue
        seen.add(id(item))
        assert not (isinstance(item, (str, bytes)) and SECRET in str(item))
        stack.extend(gc.get_referents(item))


def test_memory_is_bounded() -> None:
    """However many texts with secrets come, few are remembered."""
    memo = Memo()

    for number in range(MAX_DIRTY * 2 + 5):
        memo.keep(memo.key(str(number)), "")
        memo.keep_message(memo.key(str(number)), (str(number), ()), ("", ()))

    assert len(memo._dirty) <= MAX_DIRTY
    assert len(memo._dirty_messages) <= MAX_DIRTY
