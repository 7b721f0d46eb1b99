"""A user's own patterns: compiled, and refused when their cost grows faster than their input."""

from __future__ import annotations

import importlib
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from seclog_handlers.errors import ConfigurationError
from seclog_handlers.redaction import gate

Found = tuple[int, int, str]

# Slower than this on so short a text is not linear: an honest pattern reads a kilobyte in microseconds.
SMALL = (4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
LARGE = (1000, 2000, 4000, 8000)
TOO_SLOW = 0.02
GROWTH = 3.0
FAST_ENOUGH = 0.0015
ENDINGS = ("", "!", "\n", "\u00e9")
MAX_PUMPS = 24
MANY = 8


def compile_patterns(patterns: Iterable[str]) -> list[re.Pattern[str]]:
    """Compile the user's patterns.

    Raises:
        ConfigurationError: If one is no regular expression, matches nothing at all, or grows faster than its input.
    """
    return [_compiled(pattern) for pattern in patterns]


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ConfigurationError(
            f"redact.patterns has {pattern!r}, which is not a regular expression ({error}): "
            "see the syntax of Python's re module.",
        ) from error
    if compiled.search("") is not None:
        raise ConfigurationError(
            f"redact.patterns has {pattern!r}, which matches the empty text: "
            "give what must be there, such as [0-9]+ for [0-9]*.",
        )
    reason = growth(compiled)
    if reason:
        raise ConfigurationError(
            f"redact.patterns has {pattern!r}, whose cost grows faster than its input ({reason}): "
            "start it with a literal, bound its repetitions ({1,64} for +), and do not nest them.",
        )
    return compiled


def growth(compiled: re.Pattern[str]) -> str | None:
    """Return why a pattern's cost is not linear, measured on texts made to repeat its own parts; None if it is."""
    if _explodes(compiled.pattern):
        return f"it asks for {MANY} or more of something of varying length"
    for prefix, pump in _pumps(compiled.pattern):
        for ending in ENDINGS:
            reason = _grows(compiled, prefix, pump, ending)
            if reason:
                return reason
    return None


def _explodes(pattern: str) -> bool:
    """Tell whether a counted repetition cannot be measured: its shortest text may already take for ever."""
    try:
        return _counted(_parsed(pattern))
    except Exception:  # a construct of a newer re
        return False


def _counted(parsed: Any) -> bool:
    for operation, argument in parsed:
        name = str(operation)
        if "REPEAT" in name:
            low, _, inner = argument
            shortest, longest = inner.getwidth()
            if (low >= MANY and shortest != longest) or _counted(inner):
                return True
            continue
        inner = [argument[-1]] if name == "SUBPATTERN" else argument[1] if name == "BRANCH" else []
        if any(_counted(part) for part in inner):
            return True
    return False


def _grows(compiled: re.Pattern[str], prefix: str, pump: str, ending: str) -> str | None:
    for size in SMALL:
        if _cost(compiled, prefix + pump * size + ending) > TOO_SLOW:
            return f"{size} times {pump!r} takes over {TOO_SLOW * 1000:g} ms"
    times = []
    for size in LARGE:
        times.append(_cost(compiled, prefix + pump * (size // len(pump)) + ending))
        if times[-1] > TOO_SLOW:
            return f"{size} characters of {pump!r} take over {TOO_SLOW * 1000:g} ms"
    if times[-1] > FAST_ENOUGH and times[-1] > GROWTH * times[-2] and times[-2] > GROWTH * times[-3]:
        return f"twice as much of {pump!r} takes {times[-1] / times[-2]:.1f} times as long"
    return None


def _cost(compiled: re.Pattern[str], text: str) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.thread_time()  # not wall time: a busy machine refuses no pattern
        for _found in compiled.finditer(text):
            pass
        best = min(best, time.thread_time() - start)
        if best < FAST_ENOUGH:
            break
    return best


def _pumps(pattern: str) -> list[tuple[str, str]]:
    """Return (prefix, repeated part) pairs: samples of each repetition, after what must come before it."""
    pumps: list[tuple[str, str]] = [("", "a"), ("", "0"), ("", " "), ("", "a."), ("", "a@"), ("", "a-")]
    try:
        _walk(_parsed(pattern), "", pumps)
    except Exception:
        pass
    return list(dict.fromkeys(pumps))[:MAX_PUMPS]


def _parsed(pattern: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parser: Any = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")
        return parser.parse(pattern)


def _walk(parsed: Any, before: str, pumps: list[tuple[str, str]]) -> str:
    """Collect pumps; return the shortest text the parsed pattern matches, as far as that is easy to say."""
    text = ""
    for operation, argument in parsed:
        name = str(operation)
        if "REPEAT" in name:
            low, high, inner = argument
            sample = _walk(inner, before + text, pumps)
            if sample and (high > 1):
                pumps.append((before + text, sample))
                pumps.append(("", before + text + sample))
            text += sample * min(max(low, 1), 40)
        else:
            text += _sample(name, argument, before + text, pumps)
    return text


def _sample(name: str, argument: Any, before: str, pumps: list[tuple[str, str]]) -> str:
    if name == "LITERAL":
        return chr(argument)
    if name == "NOT_LITERAL":
        return "b" if argument == ord("a") else "a"
    if name == "ANY":
        return "a"
    if name == "SUBPATTERN":
        return _walk(argument[-1], before, pumps)
    if name == "BRANCH":
        samples = [_walk(branch, before, pumps) for branch in argument[1]]
        return samples[0]
    if name == "IN":
        return _member(argument)
    if name in ("ASSERT", "ASSERT_NOT"):
        _walk(argument[1], before, pumps)
    return ""


_CATEGORIES = {"CATEGORY_DIGIT": "0", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a", "CATEGORY_NOT_DIGIT": "a",
               "CATEGORY_NOT_SPACE": "a", "CATEGORY_NOT_WORD": "-"}  # fmt: skip


def _member(options: Any) -> str:
    name, argument = str(options[0][0]), options[0][1]
    if name == "NEGATE":
        banned = re.compile("[" + "".join(re.escape(chr(a)) for n, a in options[1:] if str(n) == "LITERAL") + "\u0000]")
        return next(character for character in "a0-. b" if not banned.match(character))
    if name == "RANGE":
        return chr(argument[0])
    if name == "CATEGORY":
        return _CATEGORIES.get(str(argument), "a")
    return chr(argument) if isinstance(argument, int) else "a"


def literal(compiled: re.Pattern[str]) -> str:
    """Return a text that every match of a pattern contains, "" if none is known.

    Where case is ignored only characters without case count: what else a letter may stand for is Unicode's affair.
    """
    try:
        return max(_runs(_parsed(compiled.pattern), compiled.flags), key=len)
    except Exception:  # a construct of a newer re
        return ""


def _runs(parsed: Any, flags: int) -> list[str]:
    """Return the runs of literal characters that each match goes through."""
    runs = [""]
    for operation, argument in parsed:
        name = str(operation)
        if name == "LITERAL" and not (flags & re.IGNORECASE and chr(argument).isalpha()):
            runs[-1] += chr(argument)
            continue
        if name == "AT":  # matches between characters
            continue
        if name == "SUBPATTERN":
            runs += _runs(argument[-1], flags | argument[1])
        elif "REPEAT" in name and argument[0] > 0:
            runs += _runs(argument[2], flags)
        runs.append("")
    return runs


def finder(patterns: list[re.Pattern[str]]) -> Callable[[str], Iterable[Found]]:
    """Return a function that finds the matches of all patterns; a group named `secret` narrows the match.

    One look at the text tells whether it holds anything that any pattern with a literal part needs: a hundred such
    patterns cost a clean text hardly more than one.
    """
    always = [pattern for pattern in patterns if not literal(pattern)]
    gated = [(literal(pattern), pattern) for pattern in patterns if literal(pattern)]
    any_literal = re.compile(gate.trie(need for need, _ in gated)) if gated else None

    def find(text: str) -> Iterable[Found]:
        wanted = always
        if any_literal is not None and any_literal.search(text):
            wanted = always + [pattern for need, pattern in gated if need in text]
        for pattern in wanted:
            for match in pattern.finditer(text):
                group: Any = "secret" if "secret" in pattern.groupindex and match["secret"] else 0
                yield (*match.span(group), "pattern")

    return find
