"""Cost grows with the size of the input and no faster: every shipped pattern, and the whole, on adversarial texts."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import time
from collections.abc import Callable, Iterator

import pytest

from seclog_handlers import _template, redaction
from seclog_handlers.redaction import Redactor
from seclog_handlers.redaction.budget import Budget
from seclog_handlers.redaction.patterns import _pumps

SIZE = 8_192
RATIO = 2.3
NOTHING = 8e-3  # shorter times are noise
ENOUGH = 0.2  # seconds: what a ratio can be told from

PUMPS = [
    "a", "A", "0", " ", "=", "password=", "password ", "token is ", '"password": "', '\\"', "\\", "%25", "&amp;", "\\u0041", "@", "a@", "a@b.", "a@b.co ", "a.", "://", "http://u:p@h/", "eyJ", "eyJa.", "-----BEGIN ", "0 ", "00-", "+1 ", "AB12 ", "ghp_", "cookie: a=b; ",
    "Authorization: ", "Bearer a", "/reset/", "(", "{", '{"key":', "<password ", '<a b="', "key=", 'password={"a":', "password=[", "token=(", "mysql -p", "INSERT INTO t (", "echo a | ", "AUTH a ", "use ", "session id ", "'", "('password', '", "password for a ", "\u200b", "\uff50", "a,", "YWJjOmRlZg==", "\n", "password=\n",
    "kind: Secret\ndata:\n a: b\n", "a,password\nx\n", "a,password\n", "update t set password=? ", "'password', 'old': 'a'", " -u a:b", "?state=a&code=a1", "PuTTY-User-Key-File: Private-Lines: 1\n", "user|bob|password|", "-----BEGIN PRIVATE KEY----- ", "\u5bc6\u7801\u662f",
]  # fmt: skip


def shipped() -> Iterator[tuple[str, re.Pattern[str], bool]]:
    """Yield name, pattern and whether it is searched for; the others are only ever matched at a place."""
    modules = [
        importlib.import_module(f"seclog_handlers.redaction.{found.name}")
        for found in pkgutil.iter_modules(redaction.__path__)
    ]
    for module in [*modules, _template]:
        source = inspect.getsource(module)
        for name, value in vars(module).items():
            searched = (
                re.search(rf"\b{name}(?:\[\w+\])?\.(?:finditer|search|sub|findall)\(", source) is not None
                or name == "_SHAPED"
            )
            for number, pattern in enumerate(_within(value)):
                yield f"{module.__name__.rpartition('.')[2]}.{name}.{number}", pattern, searched


def _within(value: object) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _within(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _within(item)


def timed(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


def cost(work: Callable[[], object]) -> float:
    return min(timed(work) for _ in range(3))


def _spent(work: Callable[[str], object], text: str) -> float:
    return timed(lambda: work(text))


def grows(work: Callable[[str], object], pump: str, size: int, least: int = SIZE) -> float:
    """Return how much longer twice as much takes; the best of several tries, since other programs run too.

    A text that takes long enough to be measured at a smaller size, from `least` on, is measured there.
    """
    while (spent := _spent(work, pump * (2 * least // len(pump)))) < ENOUGH and least < size:
        least *= 2
    if spent < NOTHING:  # as most are
        return 1.0
    size = least
    best = float("inf")
    for _ in range(12):
        once = cost(lambda: work(pump * (size // len(pump))))
        twice = cost(lambda: work(pump * (2 * size // len(pump))))
        if twice < NOTHING:
            return 1.0
        best = min(best, twice / max(once, 1e-9))
        if best <= RATIO:
            break
    return best


PATTERNS = {name: (pattern, searched) for name, pattern, searched in shipped()}


@pytest.mark.parametrize("module", sorted({name.partition(".")[0] for name in PATTERNS}))
def test_no_pattern_grows_faster_than_its_input(module: str) -> None:
    """Twice as much text takes each shipped pattern at most 2.3 times as long, on texts made against it."""
    for name, (pattern, searched) in PATTERNS.items():
        if name.startswith(f"{module}."):
            work: Callable[[str], object] = (
                (lambda text, p=pattern: [m.end() for m in p.finditer(text)]) if searched else pattern.match
            )  # type: ignore[misc]
            for pump in dict.fromkeys([*PUMPS[:16], *(prefix + pump for prefix, pump in _pumps(pattern.pattern))]):
                assert grows(work, pump, SIZE) <= RATIO, (name, pump)


@pytest.mark.parametrize("pump", PUMPS)
def test_the_whole_is_linear(pump: str) -> None:
    """Redacting any text takes at most 2.3 times as long for twice as much."""
    redactor = Redactor()

    def redacted(text: str) -> str:
        budget = Budget()
        budget.left = 10**9  # what is withheld proves nothing
        return redactor.text(text, budget)

    assert grows(redacted, pump, 65_536) <= RATIO
