"""Records made of random bytes, through the whole pipeline: a target for atheris, and a loop where it is not installed.

Run it: python tests/faults/fuzz_records.py [-runs=100000] [other options of libFuzzer]

Checked for each: nothing is raised, one line comes out of the JSON and of the text formatter, the JSON is strict, no
trusted field is the application's, the planted secret is nowhere.
"""

from __future__ import annotations

import json
import logging
import random
import sys
from collections.abc import Iterator
from typing import Any

from seclog_handlers import EscalationHandler, JsonFormatter, SecurityHandler, TextFormatter
from tests.support import Lines

SECRET = "pLaNted9Secret7xQv"
NAMES = (
    "username", "user_id", "session_id", "email", "ip_address", "user_agent", "success", "granted", "path", "headers",
    "query_params", "status_code", "severity", "details", "level", "logger", "service", "timestamp", "exception",
    "stack", "_seclog", "extra.level", "risk_score", "geo_location", "password", "data", "", "\ud800", "a\nb",
)  # fmt: skip
TYPES = (
    "authentication",
    "authorization",
    "api_request",
    "api_response",
    "rate_limit_violation",
    "security_x",
    None,
    5,
)
SNIPPETS = (
    f"password={SECRET} ", f"Bearer {SECRET}0123456789 ", f"https://bob:{SECRET}@db/x ", "%s", "%(a)s", "%*d", "\n", "\r\n",
    "\x1b[2J", "\u2028", "\u202e", "\ud800", '"', "\\", "{", "}", "[", "${jndi:", "  level=CRITICAL ", "\x00", "=", "'",
)  # fmt: skip
TRUSTED = ("timestamp", "level", "logger", "service")


class Bytes:
    """Chooses by bytes, one after another; by zeros when there are no more."""

    def __init__(self, data: bytes) -> None:
        self._data: Iterator[int] = iter(data)

    def number(self, below: int) -> int:
        return next(self._data, 0) % below

    def text(self) -> str:
        parts = [SNIPPETS[self.number(len(SNIPPETS))] if self.number(2) else chr(self.number(256)) * self.number(9)]
        return "".join(parts * (1 + self.number(3)))

    def value(self, depth: int = 4) -> Any:
        kind = self.number(14 if depth else 8)
        if kind < 3:
            return self.text()
        if kind < 8:
            return (None, True, self.number(256), float("nan"), self.text().encode("utf-8", "replace"))[kind - 3]
        inner = [self.value(depth - 1) for _ in range(self.number(4))]
        if kind == 8:
            return inner
        if kind == 9:
            return tuple(inner)
        if kind == 10:
            return Odd(self.text(), self.number(4))
        keys = [NAMES[self.number(len(NAMES))] if self.number(4) else Odd(self.text(), 0) for _ in inner]
        return dict(zip(keys, inner, strict=True))

    def record(self) -> logging.LogRecord:
        msg = self.value() if self.number(4) == 0 else self.text()
        made = logging.LogRecord("fuzz", logging.WARNING, "f.py", 1, msg, None, None)
        made.args = tuple(self.value() for _ in range(self.number(4)))
        for _ in range(self.number(8)):
            made.__dict__[NAMES[self.number(len(NAMES))]] = self.value()
        made.__dict__["event_type"] = TYPES[self.number(len(TYPES))]
        if self.number(4) == 0:
            made.exc_info = (ValueError, ValueError(self.value()), None)
        return made


class Odd:
    """An object that says something, or fails, or lies."""

    def __init__(self, words: str, way: int) -> None:
        self.words, self.way = words, way

    def __str__(self) -> str:
        if self.way == 1:
            raise ValueError(self.words)
        return str(self) if self.way == 2 else self.words

    __repr__ = __str__

    def __bool__(self) -> bool:
        raise ValueError(self.words)

    __len__ = __iter__ = __bool__  # type: ignore[assignment]


class Pipelines:
    """The whole pipeline twice, with a JSON and a text formatter at its end."""

    def __init__(self) -> None:
        policy = {"pseudonyms.keys": "k1:" + "0" * 32, "geoip": "off", "service": "fuzz"}
        self._outputs = [Lines(JsonFormatter()), Lines(TextFormatter())]
        self._alerts = Lines()
        judge = EscalationHandler(target=self._alerts, policy=policy)
        self._handlers = [SecurityHandler(target=out, targets=[judge], policy=policy) for out in self._outputs]

    def check(self, data: bytes) -> None:
        """Log one record; AssertionError if what comes out is not as promised."""
        for handler, out in zip(self._handlers, self._outputs, strict=True):
            handler.handle(Bytes(data).record())
            line = _taken(out)
            assert line.count("\n") == len(line.splitlines()) == 1, line
            assert SECRET not in line, line
            assert SECRET not in _taken(self._alerts)
            if isinstance(out.formatter, JsonFormatter):
                _check_json(line)


def _taken(out: Lines) -> str:
    text = out.text
    out.stream.seek(0)
    out.stream.truncate()
    return text


def _check_json(line: str) -> None:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), line
        return dict(pairs)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    shown = json.loads(line, object_pairs_hook=unique, parse_constant=refuse)
    json.dumps(shown, ensure_ascii=False).encode()
    assert tuple(shown)[:5] == ("timestamp", "level", "logger", "message", "service"), line
    assert (shown["level"], shown["logger"], shown["service"]) == ("WARNING", "fuzz", "fuzz"), line


def random_runs(runs: int, seed: int) -> None:
    """Do without atheris what it does better."""
    source, pipelines = random.Random(seed), Pipelines()
    for _ in range(runs):
        pipelines.check(source.randbytes(source.randrange(1, 200)))


def main() -> None:
    """Fuzz until something is found, or as long as libFuzzer's options say."""
    try:
        import atheris
    except ImportError:
        runs = [int(option.partition("=")[2]) for option in sys.argv if option.startswith("-runs=")] or [100_000]
        print(f"atheris is not installed: {runs[0]:,} random records instead")
        random_runs(runs[0], seed=random.randrange(2**32))
        return
    atheris.instrument_all()
    atheris.Setup(sys.argv, Pipelines().check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
