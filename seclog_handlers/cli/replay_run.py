"""Rules over the lines of existing logs, in constant memory: what `seclog replay` does with each file."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone, tzinfo
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seclog_handlers._occurrences import Search
from seclog_handlers.access import AccessLog
from seclog_handlers.cli import streams
from seclog_handlers.cli.replay_formats import MAX_LINE, Own, Reader, reader, recognised
from seclog_handlers.cli.replay_times import Clock
from seclog_handlers.detection import Detector
from seclog_handlers.detection.caps import ALONE
from seclog_handlers.enrichment.addresses import parse_address, truncate
from seclog_handlers.errors import ConfigurationError
from seclog_handlers.redaction import Redactor

if TYPE_CHECKING:
    from seclog_handlers.policy import Policy

Told = Callable[[list[dict[str, Any]]], None]

# Lines by which a file's format is recognised.
SAMPLE = 500
_A_DAY = 86_400.0
_TOKEN = re.compile(r"[a-z]{2,4}_k[0-9A-Za-z]{1,16}_[0-9a-f]{32}\Z")
_LOST = "[WITHHELD]"


class Judge:
    """One set of rules under a policy, as a running service would judge with them.

    Args:
        rules: As EscalationHandler takes them.
        policy: Its keys make the tokens that alerts show.
    """

    def __init__(self, rules: Any, policy: Policy) -> None:
        self._policy = policy
        self._engine = policy.pseudonymizer
        self._redactor = Redactor(**policy.section("redact"))
        self._ip = policy._settings.get("ip", "keep")  # noqa: SLF001 - one package
        self._trusted = policy.trusted
        self.detector = Detector(
            rules, service=policy.service, state_key=self._engine.state_key, show=self._show, caps=ALONE,
        )  # fmt: skip

    def observe(self, fields: dict[str, Any], when: float) -> list[dict[str, Any]]:
        """Judge one event and return its alerts."""
        known = self._trusted.match(fields, fields.get("ip_address"), when) if "trusted" not in fields else None
        return self.detector.observe({**fields, "trusted": known} if known else fields, when)

    @property
    def observes(self) -> Callable[[dict[str, Any], float], list[dict[str, Any]]]:
        """What judges one event: without trusted sources nothing stands in between."""
        return self.observe if self._trusted else self.detector.observe

    def _show(self, event: Mapping[str, Any], field: str, value: Any) -> Any:
        """Return what an alert shows of a value: identities as tokens, no secrets."""
        if field in self._engine.fields:
            if type(value) is str and _TOKEN.match(value):
                return value
            return self._engine.token(field, value) or _LOST
        if field == "ip_address":
            return self._shown_address(value)
        if type(value) is not str:
            return value
        identities = {name: event[name] for name in self._engine.fields if name in event}
        return Search(self._engine.pairs(identities)).replace(self._redactor.text(value))

    def _shown_address(self, value: Any) -> Any:
        address = parse_address(value) if self._ip != "keep" else None
        if address is None:
            return value
        return truncate(address) if self._ip == "truncate" else self._engine.address(str(address))


class Reading:
    """What was read so far.

    Attributes:
        lines: How many lines.
        events: How many of them, or parts of them, were events.
        unknown: How many were of no known form.
        formats: file -> name of its format.
        damaged: Files that could not be read, or not to their end.
        last: Time of the latest one.
        backwards: Whether a file began earlier than the one before it ended.
    """

    def __init__(self) -> None:
        self.lines = self.events = self.unknown = 0
        self.formats: dict[str, str] = {}
        self.damaged: list[str] = []
        self.last = float("-inf")
        self.backwards = False


class Source:
    """How the lines of files become events.

    Args:
        policy: For what makes a request a failed login, and for its renames of fields.
        form: Name of a format, or None to recognise each file's.
        local: Zone of times without one.
        year: Year of the first time without one; None to take it from the file's own time.
        own: (expression, constants, form of the time) for lines of the user's own.
    """

    def __init__(
        self, policy: Policy, form: str | None, local: tzinfo, year: int | None,
        own: tuple[str, dict[str, Any], str | None] | None = None,
    ) -> None:  # fmt: skip
        self._form, self._local, self._year, self._own = form, local, year, own
        self._renames = {theirs: ours for ours, theirs in policy.fields.items()}
        self._access = policy.section("access_log")
        if own is not None:
            Own(self._clock(""), *own)  # found out before anything is read

    def _clock(self, path: str) -> Clock:
        return Clock(self._local, self._year or _year_of(path, self._local))

    def _reader(self, name: str, clock: Clock) -> Reader:
        return reader(name, clock, AccessLog(**self._access), self._renames)

    def events(
        self, path: str, seen: Reading, advance: Callable[[int], None],
    ) -> Iterator[tuple[float, dict[str, Any]]]:  # fmt: skip
        """Yield the events of a file, or of standard input for `-`, and count.

        Raises:
            OSError: If it cannot be read.
            ConfigurationError: If no format fits it.
        """
        with streams.opened(path) as source:
            lines = _lines(source, advance)
            sample = list(islice(lines, SAMPLE))
            read = self._chosen(path, sample, seen)
            for line in chain(sample, lines):
                seen.lines += 1
                found = read(line[:MAX_LINE])
                if found is None:
                    seen.unknown += bool(line.strip())
                    continue
                for event in found:
                    seen.events += 1
                    yield event

    def _chosen(self, path: str, sample: list[str], seen: Reading) -> Reader:
        if self._own is not None:
            seen.formats[path] = "regex"
            return Own(self._clock(path), *self._own)
        name = self._form or recognised(sample, lambda form: self._reader(form, self._clock(path)))
        if name is None and sample:
            raise ConfigurationError(
                f"{path!r} has no line of a known format among its first {len(sample)}: name one with --format, or "
                "describe its lines with --regex.",
            )
        seen.formats[path] = name or "empty"
        return self._reader(name or "json", self._first_clock(path, sample, name))

    def _first_clock(self, path: str, sample: list[str], name: str | None) -> Clock:
        """Return the file's clock; times without a year lie before the file was last written."""
        if self._year is not None or name != "sshd":
            return self._clock(path)
        latest = _written(path)
        year = datetime.fromtimestamp(latest, self._local).year
        read = self._reader("sshd", Clock(self._local, year))
        first = next((found[0][0] for line in sample for found in [read(line[:MAX_LINE])] if found), 0.0)
        return Clock(self._local, year - 1 if first > latest + _A_DAY else year)


def _written(path: str) -> float:
    """Return when a file was last written; now, for standard input."""
    try:
        return Path(path).stat().st_mtime if path != streams.STDIN else datetime.now(timezone.utc).timestamp()
    except OSError:
        return datetime.now(timezone.utc).timestamp()


def _year_of(path: str, local: tzinfo) -> int:
    return datetime.fromtimestamp(_written(path), local).year


def _lines(source: streams.Source, advance: Callable[[int], None]) -> Iterator[str]:
    """Yield lines without their ends; an overlong one as its beginning."""
    position = 0
    for block in streams.blocks(source.file):
        if isinstance(block, str):
            yield from block.split("\n") if not block.endswith("\n") else block[:-1].split("\n")
        else:
            yield block.head
        now = source.position()
        if now is not None:
            advance(now - position)
            position = now


def total_size(paths: list[str]) -> int | None:
    """Return the size of all files together; None if one is no file."""
    try:
        return None if streams.STDIN in paths else sum(Path(path).stat().st_size for path in paths)
    except OSError:
        return None


def replay(
    paths: list[str], source: Source, judges: list[tuple[Judge, Told]], advance: Callable[[int], None],
) -> Reading:  # fmt: skip
    """Run the events of files through each judge, in the order of the files.

    Args:
        paths: Files, `-` for standard input.
        source: Makes the events.
        judges: (judge, what is told its alerts).
        advance: Told how many bytes were read.

    Returns:
        What was read. A file that turns out damaged is said on stderr and left where it breaks.
    """
    seen = Reading()
    observers = [(judge.observes, told) for judge, told in judges]
    for path in paths:
        ended, began, last = seen.last, False, seen.last
        try:
            for when, fields in source.events(path, seen, advance):
                if not began:
                    began = True
                    seen.backwards = seen.backwards or when < ended - _A_DAY
                if when > last:
                    last = seen.last = when
                for observe, told in observers:
                    alerts = observe(fields, when)
                    if alerts:
                        told(alerts)
        except BrokenPipeError:
            raise  # whoever read the output has gone
        except (OSError, *streams.DAMAGED) as error:
            sys.stderr.write(f"seclog replay: {path}: {getattr(error, 'strerror', None) or error}\n")
            seen.damaged.append(path)
    return seen
