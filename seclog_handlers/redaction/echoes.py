"""Secrets that stand once more in their record, where nothing says what they are.

A name gives a password away in one field, and a driver's message beside it only quotes it. What was taken out is
told by holding what was logged against what is left of it; no secret is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from seclog_handlers._occurrences import may_show, needles
from seclog_handlers.redaction.censor import Censor
from seclog_handlers.redaction.values import looks_chosen

# Shorter values may be words; of so many secrets each is looked for.
LEAST_COPIED, MAX_COPIED = 8, 8
# Texts, and characters of one, in which it is looked up what was taken out.
MAX_COMPARED, MAX_LENGTH = 2_000, 16_384
_NAMES = re.compile(r"[a-z]+(?:-[a-z]+)*-?\d{1,4}[a-z]?")  # user-1234, postgres-14, us-east-1a
# What may have gone with a secret: it ends a sentence.
_AROUND = " \t\r\n\"'.,;:!?()[]{}"

# Returns all that a record shows, or None if that is not known.
Shown = Callable[[], "str | None"]


def nothing_known() -> None:
    """Whatever may be shown."""


def is_telling(secret: str) -> bool:
    """Tell whether the same characters elsewhere are the same secret, and no word that happens to be one."""
    return len(secret) >= LEAST_COPIED and looks_chosen(secret) and not _NAMES.fullmatch(secret)


def echoes(changes: Sequence[tuple[Any, Any]], censor: Censor, shown: Shown = nothing_known) -> list[tuple[str, str]]:
    """Return the secrets that stand somewhere else, too, and what stands in the place of each.

    Args:
        changes: What was logged, and what is left of it: texts, or containers of them.
        censor: What stands in a secret's place.
        shown: Returns all that is shown, if that is known: a secret that does not stand there stands nowhere.
    """
    found: dict[str, str] = {}
    text: str | None = None
    asked = False
    waiting = list(changes)
    for before, after in waiting:  # which grows by what containers hold
        if type(before) is not str:
            if before is not after and len(waiting) < MAX_COMPARED:
                waiting += _inside(before, after)
            continue
        if type(after) is not str or len(before) > MAX_LENGTH or before == after:
            continue
        for number, taken in enumerate(_taken(before, censor.rests(after))):
            secret = taken.strip(_AROUND)
            if len(secret) < LEAST_COPIED:
                continue
            if not asked:
                text, asked = shown(), True
            if (text is None or _stands_in(text, secret)) and is_telling(secret) and not censor.seen(secret):
                found[secret] = censor.marks(after)[number]
        if len(found) >= MAX_COPIED:
            break
    return list(found.items())


def taken_out(before: Any, after: Any, censor: Censor) -> list[str] | None:
    """Return every text that was taken out of a container; None if that cannot be told.

    Args:
        before: What was given: text, numbers, and lists and mappings of these.
        after: What is left of it.
        censor: What stands in a secret's place.
    """
    found: list[str] = []
    waiting = [(before, after)]
    for was, became in waiting:
        if type(was) is str and type(became) is str:
            if was != became:
                taken = _taken(was, censor.rests(became))
                if not taken:
                    return None
                found += taken
        elif type(was) in (dict, list):
            inside = _inside(was, became)
            if len(inside) != len(was):
                return None
            waiting += inside
        elif was is not became and was != became:
            found.append(str(was))
    return found


def _stands_in(text: str, secret: str) -> bool:
    """Tell whether a text shows a secret, as it is or in one of the usual encodings."""
    if secret in text:
        return True
    forms = needles(secret)
    return len(forms) > 1 and may_show(text, forms)


def _inside(before: Any, after: Any) -> list[tuple[Any, Any]]:
    """Return what a container held, and what is left of each."""
    kind = type(before)
    if kind is dict and type(after) is dict:
        return [(item, after[key]) for key, item in before.items() if type(key) is str and key in after]
    if (kind is list or kind is tuple) and type(after) is kind and len(after) == len(before):
        return list(zip(before, after, strict=True))
    return []


def _taken(before: str, rests: list[str]) -> list[str]:
    """Return the secrets of a text, in order, as far as what is left between them says where they were."""
    first, final = rests[0], rests[-1]
    if len(rests) == 1 or not before.startswith(first) or not before.endswith(final):
        return []
    position, last = len(first), len(before) - len(final)
    taken: list[str] = []
    for rest in rests[1:-1]:
        found = before.find(rest, position, last) if rest else -1
        if found < 0:
            return taken
        taken.append(before[position:found])
        position = found + len(rest)
    taken.append(before[position:last])
    return taken
