"""Which stages a record needs, and records that come again: what the stages made of one they make of its equals.

Most of what a program logs it has logged before: the same template with the same few arguments, the same answer of
the same endpoint, the same login of the same bot. The stages from recognition to location give equal results for
equal records, so their result is remembered as what it changed. On the shapes of benchmarks/shapes.py that takes a
quarter to a half off the whole log call; a record of a kind that never repeats pays next to nothing, since such
kinds are soon looked up no more.

- A record is looked up by all that those stages read of it: its fields, message, arguments, level, the names of
  thread and process; by a keyed hash of these where they may hold a secret. Its key is random per process, so that
  memory holds nothing to guess from.
- Ids and measurements that differ each time (`VOLATILE`) are no part of that, as long as no stage would touch them.
- Only plain values take part: text, numbers, flags, and flat containers of these, a few kilobytes together.
"""

from __future__ import annotations

import logging
import marshal
import re
import secrets
from collections.abc import Callable, Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import Any, NamedTuple

from seclog_handlers._occurrences import may_show
from seclog_handlers._record import IN_REQUEST, MARK, Mark, Repeat, field_names
from seclog_handlers.filters import AccessLogFilter, GeoIPFilter, RedactionFilter, Stage
from seclog_handlers.filters.stage import WITHHELD, Kind

MAX_KNOWN = 512
MAX_FORMS = 64
# Characters of one record's values together, and values in one of its containers.
MAX_TEXT = 4_096
MAX_VALUES = 64
# Of so many records one in eight has to be known; otherwise so many others of the kind are not even looked up.
TRIAL, PAUSE = 256, 4_096
LEAST_SHARE = 8

# Attributes that no stage reads, or that follow from the logger.
_UNREAD = frozenset({
    "name", "created", "msecs", "relativeCreated", "thread", "process", "pathname", "filename", "module", "lineno",
    "funcName", "message", "asctime", MARK,
})  # fmt: skip
_EMPTY = ("exc_info", "exc_text", "stack_info")
# What is most often new: it shows nobody and hides nothing, which is looked at each time.
VOLATILE = frozenset({
    "request_id", "trace_id", "span_id", "correlation_id", "response_time_ms", "response_size", "request_size",
    "taskName",
})  # fmt: skip
_WORD = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SMALL = 10**12

_NONE = type(None)
_TEXT = frozenset({str})
_FLAT = frozenset({str, int, bool, _NONE})
_BOXES = frozenset({dict, list, tuple})
_LEVEL = frozenset({"levelno", "levelname"})

Fetch = Callable[[Any], tuple[Any, ...]]


class _Form:
    """Records of one kind whose values are of the same types.

    Attributes:
        texts: Fetches the values that are text.
        floats: Fetches those that are floats.
        boxes: Where the containers are.
        hashed: Whether such records may hold secrets.
    """

    __slots__ = ("boxes", "floats", "hashed", "texts")

    def __init__(self, types: Sequence[type]) -> None:
        self.texts = _fetching([at for at, kind in enumerate(types) if kind is str]) or _nothing
        self.floats = _fetching([at for at, kind in enumerate(types) if kind is float])
        self.boxes = tuple([at for at, kind in enumerate(types) if kind in _BOXES])
        self.hashed = False


# What the stages made of a record: the epoch of the databases; what may not be shown in what is volatile; removed
# attributes; changed ones; those of these that are containers; what the mark says; what the access log remembers.
_Known = tuple[
    Any, tuple[str, ...], tuple[str, ...], dict[str, Any], tuple[str, ...], frozenset[str], frozenset[str],
    dict[str, str], dict[str, str], "tuple[str, Any] | None", Repeat,
]  # fmt: skip

# Of a record that takes no part: it has no key.
_NO_PART: tuple[None, None] = (None, None)


class Memory:
    """What is known of the records of one handler, bounded."""

    def __init__(self) -> None:
        self.known: dict[Any, _Known] = {}
        self._hash = blake2b(key=secrets.token_bytes(32), digest_size=16)

    def keep(self, key: Any, known: _Known) -> None:
        """Remember; all is forgotten together when full."""
        if len(self.known) >= MAX_KNOWN:
            self.known.clear()
        self.known[key] = known

    def digest(self, values: Any) -> bytes:
        """Return what stands for values that may hold secrets."""
        hashed = self._hash.copy()
        hashed.update(marshal.dumps(values, 2))  # a version without references: equal values, equal bytes
        return hashed.digest()


class Repeats:
    """Takes records of one kind through the stages, or does what the stages did before.

    Args:
        names: The names of their attributes.
        stages: Stages that give equal results for equal records; the first may be an AccessLogFilter.
        bare: Those of them for records whose message has no arguments.
        memory: Of the handler.
    """

    def __init__(
        self, names: Sequence[str], stages: Sequence[Stage], bare: Sequence[Stage], memory: Memory
    ) -> None:  # fmt: skip
        self._stages, self._bare = tuple(stages), tuple(bare)
        self._memory = memory
        self._access = next((stage.log for stage in stages if isinstance(stage, AccessLogFilter)), None)
        self._geo = next((stage for stage in stages if isinstance(stage, GeoIPFilter)), None)
        self._passes = next((stage.passes for stage in stages if isinstance(stage, RedactionFilter)), _anything)
        volatile = [name for name in names if name in VOLATILE and all(stage.leaves(name) for stage in stages)]
        self._volatile = tuple(volatile)
        # The rest, by which records are told apart.
        self._names = [name for name in names if name not in _UNREAD and name not in volatile]
        self._fetch = itemgetter(*self._names)
        self._forms: dict[tuple[type, ...], _Form | None] = {}
        self._looked = self._found = self._pause = 0

    def take(self, record: logging.LogRecord, mark: Mark | None) -> None:
        """Take a record through the stages.

        Args:
            record: The private copy.
            mark: Its mark if that is new; None if stages may have been at work before.
        """
        attributes = record.__dict__
        key = epoch = None
        known: _Known | None = None
        if self._pause:
            self._pause -= 1
        elif mark is not None and type(record) is logging.LogRecord and attributes.get("exc_info") is None:
            try:
                key, known = self._find(attributes)
            except Exception:  # values with ideas of their own
                key = None
        if key is None or mark is None:
            self._run(record, attributes)
            return
        if self._geo is not None:
            epoch = self._geo.epoch()
        if known is None or known[0] is not epoch or (known[1] and self._shows(attributes, known[1])):
            self._take_new(record, attributes, mark, key, epoch)
            return
        self._looked += 1
        self._found += 1
        _, _, removed, changed, copied, applied, derived, tokens, state_keys, gist, repeat = known
        if gist is not None and self._access is not None:
            self._access.keep(gist, attributes, IN_REQUEST in mark.applied)
        for name in removed:
            del attributes[name]
        if changed:
            attributes.update(changed)
            for name in copied:
                attributes[name] = attributes[name].copy()
        mark.applied |= applied
        if derived:
            mark.derived |= derived
        if state_keys:  # of identities, and of an address that the policy hides
            mark.tokens, mark.state_keys = tokens.copy(), state_keys.copy()
        mark.repeat = repeat

    def _run(self, record: logging.LogRecord, attributes: dict[str, Any]) -> None:
        for stage in self._bare if _is_bare(attributes) else self._stages:
            stage.filter(record)

    def _take_new(
        self, record: logging.LogRecord, attributes: dict[str, Any], mark: Mark, key: Any, epoch: Any
    ) -> None:
        """Take a record through the stages, and remember what came of it."""
        before = attributes.copy()
        geo, access = self._geo, self._access
        not_addresses = 0 if geo is None else geo.not_addresses
        gist = None if access is None else access.gist(attributes)
        self._run(record, attributes)
        self._looked += 1
        if self._looked >= TRIAL:
            if self._found * LEAST_SHARE < self._looked:
                self._pause = PAUSE
            self._looked = self._found = 0
        if geo is None or geo.not_addresses == not_addresses:
            known = self._learnt(key, before, record.__dict__, mark, epoch, gist)
            if known is not None:
                self._memory.keep(key, known)

    def _learnt(
        self, key: Any, before: dict[str, Any], after: dict[str, Any], mark: Mark, epoch: Any, gist: Any
    ) -> _Known | None:  # fmt: skip
        """Return what the stages made of a record; None if that cannot be told, or not yet."""
        if after.get("msg") is WITHHELD or "seclog_error" in after or mark.searched is None:
            return None
        changed = {name: value for name, value in after.items() if name not in before or before[name] is not value}
        removed = tuple([name for name in before if name not in after])
        again = {name: value for name, value in before.items() if name in after}
        again.update(changed)
        if tuple(again) != tuple(after) or not {*changed, *removed}.isdisjoint(self._volatile):
            return None
        form, values = key
        if type(values) is tuple and (removed or not changed.keys() & before.keys() <= {*_LEVEL, *mark.tokens}):
            form.hashed = True
            return None  # from the next one on
        return (
            epoch,
            mark.searched if self._volatile else (),
            removed,
            changed,
            tuple([name for name, value in changed.items() if type(value) is dict or type(value) is list]),
            frozenset(mark.applied) - {IN_REQUEST},
            frozenset(mark.derived),
            mark.tokens.copy(),
            mark.state_keys.copy(),
            gist,
            Repeat(frozenset(after).difference(self._volatile, _UNREAD)),
        )

    def _find(self, attributes: dict[str, Any]) -> tuple[Any, _Known | None]:
        """Return by what a record is looked up, None for one that takes no part; and what is known of it."""
        for name in self._volatile:
            value = attributes[name]
            kind = type(value)
            if kind is float or (kind is int and -_SMALL < value < _SMALL):
                continue
            if not self._is_harmless(value):
                return _NO_PART
        values = self._fetch(attributes)
        types = tuple(map(type, values))
        form = self._forms.get(types)
        if form is None and types not in self._forms:
            form = self._form(types)
        if form is None:
            return _NO_PART
        hashed = form.hashed
        for at in form.boxes:
            if values[at] != ():  # as the arguments of most records are
                if not _is_flat(values[at]):
                    return _NO_PART
                hashed = True
        key: Any = form, values
        if not hashed:
            known = self._memory.known.get(key)
            if known is not None:  # and so are its size and its numbers
                return key, known
        if sum(map(len, form.texts(values))) > MAX_TEXT:
            return _NO_PART
        if form.floats is not None and 0.0 in form.floats(values):  # equals minus zero, which shows another text
            return _NO_PART
        if hashed:
            key = form, self._memory.digest(values)
            return key, self._memory.known.get(key)
        return key, None

    def _is_harmless(self, value: Any) -> bool:
        """Tell whether a volatile value that is no number is one that no stage would touch."""
        if type(value) is str:
            return _WORD.fullmatch(value) is not None and self._passes(value)
        return value is None

    def _shows(self, attributes: dict[str, Any], needles: tuple[str, ...]) -> bool:
        """Tell whether an identity of the record may stand in what is volatile."""
        return may_show("\n".join([str(attributes[name]) for name in self._volatile]), needles)

    def _form(self, types: tuple[type, ...]) -> _Form | None:
        plain = all(
            kind is _NONE if name in _EMPTY else kind in _FLAT or kind is float or kind in _BOXES
            for name, kind in zip(self._names, types, strict=True)
        )
        if len(self._forms) >= MAX_FORMS:
            self._forms.clear()
        form = self._forms[types] = _Form(types) if plain else None
        return form


class Plan(NamedTuple):
    """The stages that records of one kind need: those that repeat, and those behind."""

    repeats: Repeats | None
    rest: tuple[logging.Filter, ...]


def planned(names: tuple[str, ...], logger: str, stages: Sequence[logging.Filter], memory: Memory) -> Plan:
    """Return the plan of a logger's records with these names of attributes."""
    fields = field_names(dict.fromkeys(names))
    needed = _needed(stages, Kind(logger, fields, bare=False))
    if needed is None:
        return Plan(None, tuple(stages))
    count = next((at for at, stage in enumerate(needed) if not _repeats(stage)), len(needed))
    repeating = [stage for stage in needed[:count] if isinstance(stage, Stage)]
    if not repeating or any(_repeats(stage) for stage in needed[count:]):
        return Plan(None, tuple(needed))
    kind = Kind(logger, fields, bare=True)
    bare = [stage for stage in repeating if stage.concerns(kind)]
    return Plan(Repeats(names, repeating, bare, memory), tuple(needed[count:]))


def _needed(stages: Sequence[logging.Filter], kind: Kind) -> list[logging.Filter] | None:
    """Return the stages for records of a kind; None for all, where a record may become an event on its way."""
    needed = [stage for stage in stages if not isinstance(stage, Stage) or stage.concerns(kind)]
    becomes = "event_type" not in kind.fields and any(isinstance(stage, AccessLogFilter) for stage in needed)
    return None if becomes else needed


def _repeats(stage: logging.Filter) -> bool:
    return isinstance(stage, Stage) and stage.repeats


def _is_bare(attributes: dict[str, Any]) -> bool:
    args = attributes.get("args")
    return type(attributes.get("msg")) is str and (not args if type(args) is tuple else args is None)


def _is_flat(box: Any) -> bool:
    """Tell whether a container holds only a few plain values that are not long."""
    if len(box) > MAX_VALUES:
        return False
    size, values = 0, box
    if type(box) is dict:
        names = tuple(box)
        size = _sizes.get(names, -1)
        if size < 0 and (size := _size_of(names)) < 0:
            return False
        values = box.values()
    if _TEXT.issuperset(map(type, values)):  # as in headers and queries: without a look at each
        size += sum(map(len, values))
    elif _FLAT.issuperset(map(type, values)):
        size += sum([len(value) for value in values if type(value) is str])
    else:
        return False
    return size <= MAX_TEXT


# Names of a container -> their characters together: a program's headers and queries have few sets of names.
_sizes: dict[tuple[Any, ...], int] = {}


def _size_of(names: tuple[Any, ...]) -> int:
    """Return the characters of names together; -1 if not all of them are text."""
    if not _TEXT.issuperset(map(type, names)):
        return -1
    size = sum(map(len, names))
    if size <= MAX_TEXT:
        if len(_sizes) >= MAX_KNOWN:
            _sizes.clear()
        _sizes[names] = size
    return size


def _anything(_text: str) -> bool:
    return True


def _nothing(_values: Any) -> tuple[Any, ...]:
    return ()


def _fetching(places: Sequence[int]) -> Fetch | None:
    if len(places) > 1:
        return itemgetter(*places)
    if places:
        [place] = places
        return lambda values: (values[place],)
    return None
