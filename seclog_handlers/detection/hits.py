"""Which counters an event falls under, which entries that needs, and what open incidents say to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seclog_handlers.detection.case import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from seclog_handlers.detection.case import Case
    from seclog_handlers.detection.compiled import Counter
    from seclog_handlers.detection.ledger import Hit
    from seclog_handlers.detection.state import Entry

    Peek = Callable[[str], Entry | None]


def hits_of(members: Iterable[tuple[Counter, str]], case: Case) -> list[Hit]:
    """Return under which of these counters an event falls."""
    hits: list[Hit] = []
    groups = case.groups
    for counter, step in members:
        group = groups.get(counter.group, MISSING)
        if group is MISSING:
            group = case.group(counter)
        if group is not None:
            value = step if counter.counts_all else counted_value(counter, case)
            if value is not None:
                hits.append((counter.prefix + group, counter, value))
    return hits


def counted_value(counter: Counter, case: Case) -> Any:
    """Return what is counted or measured of the event; None where it has nothing of that."""
    return case.value(counter) if counter.number is None else counter.number(case.event)


def keys_of(hits: Sequence[Hit], case: Case) -> list[str]:
    """Return every key that judging the hits needs."""
    keys = [hit[0] for hit in hits]
    for _, counter, _ in hits:
        if counter.others:
            keys += [key for other in counter.others if (key := case.key(other)) is not None]
    return keys


def introductions(hits: Sequence[Hit], case: Case) -> list[str]:
    """Return the keys of those whom the hits may have to be new to."""
    found = [
        case.key(counter.newcomer)
        for _, counter, value in hits
        if counter.newcomer is not None and value == counter.newcomer.step
    ]
    return [key for key in found if key is not None]


def any_open(
    others: Sequence[tuple[str, Counter]], entries: Mapping[str, Entry], case: Case, peek: Peek,
) -> bool:  # fmt: skip
    """Tell whether one of these rules has an open incident for the event's group."""
    return any(is_open(name, other, entries, case, peek) for name, other in others)


def muted_rules(
    counter: Counter, entries: Mapping[str, Entry], case: Case, peek: Peek,
) -> Collection[str]:  # fmt: skip
    """Return the counter's rules that an open incident of another rule speaks for."""
    return {muted for muted, name, other in counter.inhibitors if is_open(name, other, entries, case, peek)}


def is_open(name: str, other: Counter, entries: Mapping[str, Entry], case: Case, peek: Peek) -> bool:
    """Tell whether a rule has an open incident for the event's group, under that counter."""
    key = case.key(other)
    if key is None:
        return False
    entry = entries.get(key) or peek(key)
    incident = (entry.incidents or {}).get(name) if entry is not None else None
    return incident is not None and bool(incident["due"] > case.now)


def rebuild(entry: Entry, counter: Counter) -> None:
    """Make an entry whole again of which only its one event was kept."""
    when, value = entry.seed or (0, "")
    entry.seed = None
    entry.ttl = counter.measure.ttl
    counter.measure.add(entry, when, value)
    entry.last = when
