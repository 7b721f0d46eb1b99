"""Redaction of a file's lines: JSON lines by key, all others as text."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from seclog_handlers import rendering
from seclog_handlers.cli.redact_identities import Identities
from seclog_handlers.cli.redact_rules import Rules
from seclog_handlers.cli.redact_sieve import MAX_LINE, Sieve
from seclog_handlers.cli.redact_templates import Key, Templates
from seclog_handlers.cli.streams import Overlong
from seclog_handlers.redaction import Redactor

# Lines that belong to one private key at most; real ones have about 60.
MAX_PEM_LINES = 400
MAX_WHERE = 20

# What a JSON line may end in.
_JSON_ENDS = frozenset("}] \t\r")
_LONG_INTEGER = re.compile(r"\d{19}")
_PEM = "-----BEGIN"
_PEM_OPENS = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}?(?:PRIVATE KEY|PGP MESSAGE)(?: BLOCK)?-----(?!.*-----END)")
_PEM_BODY = re.compile(r"[A-Za-z0-9+/=]{40,}|(?<!\S)[A-Za-z0-9+/]{1,80}={0,2}\s*$|\b(?:DEK-Info|Proc-Type): .*")
# What a line has more of when it comes out, and what that is called.
_MARKS = (
    ("usr_k", "user token"), ("eml_k", "e-mail token"), ("ses_k", "session token"), ("dev_k", "device token"),
    ("ip_k", "address token"), ("[WITHHELD", "withheld"), ("[CUT:", "cut"),
)  # fmt: skip
_CUT = re.compile(r"\[CUT: (\d{1,20}) characters missing\]\Z")


@dataclass
class Tally:
    """What was done to the lines of one file.

    Attributes:
        lines: How many there were.
        changed: How many were redacted.
        kinds: Of which kinds, and how many.
        where: The first of the changed lines: number, kinds.
        size: Bytes of what came out of them.
    """

    lines: int = 0
    changed: int = 0
    size: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    where: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add the figures of another file."""
        self.lines += other.lines
        self.changed += other.changed
        self.size += other.size
        self.kinds.update(other.kinds)


class LineRedactor:
    """Redacts the lines of files as live logging would have, and counts what it found.

    Args:
        rules: What the policy says.
    """

    def __init__(self, rules: Rules) -> None:
        self._found: list[str] = []
        self._redactor = None if rules.redact is None else _counting(Redactor(**rules.redact), self._found)
        marker = self._redactor.marker if self._redactor else "[REDACTED]"
        self._identities = (
            None if rules.pseudonymizer is None else Identities(rules.pseudonymizer, rules.names, rules.ip, marker)
        )
        self._sieve = _sieve(self._redactor, rules)
        self._templates = Templates() if self._sieve else None
        self._left = self._identities.left() if self._identities else frozenset()
        self._names = tuple(self._identities.names) if self._identities else ()
        self.begin()

    def begin(self) -> Tally:
        """Begin a new file; return where its figures will be."""
        self.tally = Tally()
        self._pem_lines = 0
        self._named = self._pem = False
        return self.tally

    def block(self, text: str) -> str:
        """Return whole lines, redacted."""
        lines = text.split("\n")
        last = lines.pop()
        if last:
            lines.append(last)
        self._named = any(name in text for name in self._names) or "\\u" in text
        self._pem = _PEM in text or self._pem_lines > 0
        values = [_loaded(line) if line[-1:] in _JSON_ENDS else None for line in lines]
        clean = map(self._line, lines, values, self._sieved(lines, values))
        return "\n".join(clean) + ("" if last else text[-1:])

    def _sieved(self, lines: list[str], values: list[Any]) -> list[bool]:
        """Tell which lines need no further look."""
        if self._sieve is None:
            return [False] * len(lines)
        looked_at = [
            line if value is None else self._sieve.strings(value) if len(line) <= MAX_LINE else None
            for line, value in zip(lines, values, strict=True)
        ]
        passed = self._sieve.passed("\n".join([text or "" for text in looked_at]))
        return [ok and text is not None for ok, text in zip(passed, looked_at, strict=False)]

    def overlong(self, line: Overlong) -> str:
        """Return a line that is too long for memory as the engine cuts it."""
        self._named, self._pem = True, _PEM in line.head
        clean = self._line(line.head, None, False)
        return _CUT.sub(lambda cut: f"[CUT: {int(cut[1]) + line.missing} characters missing]", clean) + line.end

    def _line(self, line: str, value: Any, is_clean: bool) -> str:
        self.tally.lines += 1
        key = None
        if not is_clean and self._templates is not None:
            key = self._templates.key(line, structured=value is not None)
            is_clean = self._templates.knows(key)
        if value is not None:
            return self._json(line, value, key, is_clean=is_clean)
        if is_clean and not self._pem and not (self._named and self._shows_name(line)):
            return line
        clean = self._text(line)
        if clean is not line:
            if clean != line:
                self._note(line, clean)
            self._found.clear()
        if key is not None and clean == line:
            self._learn(key)
        return clean

    def _learn(self, key: Key) -> None:
        if self._templates is not None and not self._pem and not self._named:
            self._templates.learn(key)

    def _shows_name(self, line: str) -> bool:
        for name in self._names:  # noqa: SIM110 - any() would cost as much as all else
            if name in line:
                return True
        return False

    def _text(self, line: str) -> str:
        clean = self._identities.text(line) if self._named and self._identities else line
        if self._redactor:
            clean = self._redactor.text(clean)
            if self._pem:
                clean = self._pem_line(line, clean)
        return clean

    def _pem_line(self, line: str, clean: str) -> str:
        """Take out the lines of a private key, which the engine sees one by one."""
        if not self._pem_lines:
            self._pem_lines = MAX_PEM_LINES if _PEM_OPENS.search(line) else 0
            return clean
        ended = "-----END" in line
        self._pem_lines = 0 if ended else self._pem_lines - 1
        assert self._redactor is not None  # noqa: S101 - for the type checker
        hidden, count = _PEM_BODY.subn(self._redactor.marker, clean)
        self._found.extend(["private-key"] * count)
        return hidden

    def _json(self, line: str, value: Any, key: Key | None, *, is_clean: bool) -> str:
        """Return a JSON line, redacted by key; `value` is what it says."""
        if not is_clean and _LONG_INTEGER.search(line):
            value = json.loads(line)  # orjson makes a float of it
        clean = value
        if self._redactor and not is_clean:
            clean = self._redactor.line(value, self._left) if type(value) is dict else self._redactor.value(value)
        if self._identities and self._named and ("\\u" in line or self._shows_name(line)):
            clean = self._identities.record(clean, line)
        written = _dumped(clean)
        if clean is not value and clean != value:
            self._note(line, written)
        elif line.count('"') != written.count('"') and _has_duplicates(line):
            self._found.append("duplicate key")
            self._note(line, written)
        elif key is not None and not is_clean and clean == value:
            self._learn(key)
        self._found.clear()
        return written + "\r" if line[-1] == "\r" else written

    def _note(self, line: str, clean: str) -> None:
        """Count what was found in a line that changed."""
        tally = self.tally
        tally.changed += 1
        kinds = list(self._found)
        for mark, kind in _MARKS:
            if mark in clean:
                kinds += [kind] * (clean.count(mark) - line.count(mark))
        for kind in kinds or ("other",):
            tally.kinds[kind] += 1
        if len(tally.where) < MAX_WHERE:
            tally.where.append((tally.lines, tuple(sorted(set(kinds or ("other",))))))


def _sieve(redactor: Redactor | None, rules: Rules) -> Sieve | None:
    """Return the short way, unless the user has rules of which it knows nothing."""
    own = rules.redact and (rules.redact.get("patterns") or rules.redact.get("known_values"))
    return None if redactor is None or own else Sieve(redactor)


def _counting(redactor: Redactor, found: list[str]) -> Redactor:
    """Note the kind of everything that this redactor replaces."""
    censor = redactor._censor  # noqa: SLF001 - the engine offers no counter
    replacement = censor.replacement

    def counted(secret: str, kind: str) -> str:
        found.append(kind)
        return replacement(secret, kind)

    censor.replacement = counted
    redactor.judge_anew()  # what is found twice counts twice
    return redactor


def _decoder() -> Callable[[str], Any]:
    try:
        import orjson  # noqa: PLC0415 - optional
    except ImportError:
        return json.loads
    loads: Callable[[str], Any] = orjson.loads
    return loads


_fast_loads = _decoder()


def _loaded(line: str) -> Any:
    """Return the object or array of a JSON line; None if it is none."""
    if line.lstrip()[:1] not in ("{", "["):
        return None
    try:
        value = _fast_loads(line)
    except ValueError:
        try:  # NaN, integers beyond 64 bit, bytes that are no UTF-8
            value = json.loads(line)
        except (ValueError, RecursionError):
            return None
    except RecursionError:
        return None
    return value if type(value) in (dict, list) else None


def _dumped(value: Any) -> str:
    try:
        text = rendering.dumps_plain(value)
    except (ValueError, TypeError, RecursionError):
        return _as_read(value)
    return _as_read(value) if "\\udc" in text else text


def _as_read(value: Any) -> str:
    """Write what only Python's own JSON says: NaN, long integers, bytes that are no UTF-8 as those bytes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if len(text.splitlines()) == 1:
        try:
            text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            pass  # half of a pair, written as an escape
        else:
            return text
    return json.dumps(value, separators=(",", ":"))


class _TwiceError(ValueError):
    """A key is there twice."""


def _has_duplicates(line: str) -> bool:
    def once(pairs: list[tuple[str, Any]]) -> None:
        if len({key for key, _ in pairs}) < len(pairs):
            raise _TwiceError

    try:
        json.loads(line, object_pairs_hook=once)
    except _TwiceError:
        return True
    return False
