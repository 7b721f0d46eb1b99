"""Lines of records that came out of their stages alike: only what differs is written anew.

A template is made from a finished line and checked against it, so that it says what the long way says or is not
used. It takes a third of the time.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from operator import itemgetter
from typing import Any, NamedTuple

from seclog_handlers._record import Mark
from seclog_handlers.rendering import encode, is_small

# Stands where something differs until the line is taken apart there; nobody can guess it.
_HOLE = secrets.token_hex(16)
# What a line shows beside fields; of the last three it shows nothing, since they have to be None.
_SHOWN = ("levelname", "name", "msg", "args", "exc_info", "exc_text", "stack_info")

_PLAIN = frozenset({str, int, float, bool, type(None)})

Fetch = Callable[[dict[str, Any]], tuple[Any, ...]]


class _Hole(NamedTuple):
    """Fields that differ, one behind the other.

    Attributes:
        targets: Their names in the line.
        values: Fetches their values.
        owned: Those that are plain and small if the pack itself has set them.
        others: Fetches the other ones.
        after: The text behind them.
    """

    targets: tuple[str, ...]
    values: Fetch
    owned: frozenset[str]
    others: Fetch
    after: str


class Template(NamedTuple):
    """A line with holes.

    Attributes:
        names: The attributes of its records, in their order.
        fixed: Fetches the values that have to be the same.
        values: These.
        before: The text before the time.
        after: The text behind it.
        holes: What else differs.
    """

    names: tuple[str, ...]
    fixed: Fetch
    values: tuple[Any, ...]
    before: str
    after: str
    holes: tuple[_Hole, ...]

    def line(self, attributes: dict[str, Any], timestamp: str, mark: Mark) -> str | None:
        """Return the line of a record; None if the template does not fit it.

        Args:
            attributes: Those of the record.
            timestamp: Its time.
            mark: Its mark.
        """
        if self.fixed(attributes) != self.values or tuple(attributes) != self.names:
            return None
        line = f"{self.before}{timestamp}{self.after}"
        for targets, values, owned, others, after in self.holes:
            if owned:
                checked = others(attributes)
                if not owned <= mark.derived:
                    return None
            else:
                checked = values(attributes)
            if not _PLAIN.issuperset(map(type, checked)) and not is_small(checked):
                return None
            shown = encode(dict(zip(targets, values(attributes))))  # noqa: B905 - 0.15 us, and there are as many
            line = f"{line}{shown[1:-1]}{after}"
        return line


def template_of(
    finished: str,
    line: dict[str, Any],
    time_key: str,
    attributes: dict[str, Any],
    fields: Sequence[tuple[str, str]],
    alike: AbstractSet[str],
    pack: AbstractSet[str],
    mark: Mark,
) -> Template | None:
    """Return the template of a finished line, or None if there is none.

    Args:
        finished: The line.
        line: What it says.
        time_key: The name of the time in it.
        attributes: Those of the record.
        fields: The names of its fields: in the line, on the record.
        alike: The attributes that are the same in all records that it is for.
        pack: Fields that are plain and small if the pack has set them.
        mark: Its mark.
    """
    differing = {target: name for target, name in fields if name not in alike}
    holed: dict[str, Any] = {}
    groups: list[list[str]] = []
    previous = ""
    for key, value in line.items():
        if key not in differing:
            holed[key] = _HOLE if key == time_key else value
        elif groups and previous in differing:
            groups[-1].append(key)
        else:
            groups.append([key])
            holed[f"{_HOLE}{len(groups)}"] = 0
        previous = key
    before, _, rest = encode(holed).partition(_HOLE)
    pieces: list[str] = []
    for number in range(len(groups)):
        piece, _, rest = rest.partition(f'"{_HOLE}{number + 1}":0')
        pieces.append(piece)
    pieces.append(rest)
    holes = [_hole(group, differing, pack, piece) for group, piece in zip(groups, pieces[1:], strict=True)]
    fixed = _fetching([*_SHOWN, *[name for _, name in fields if name in alike]])
    made = Template(tuple(attributes), fixed, fixed(attributes), before, pieces[0], tuple(holes))
    return made if made.line(attributes, line[time_key], mark) == finished else None


def _hole(targets: Sequence[str], differing: dict[str, str], pack: AbstractSet[str], after: str) -> _Hole:
    names = [differing[target] for target in targets]
    others = [name for name in names if name not in pack]
    owned = frozenset(names) & pack
    return _Hole(tuple(targets), _fetching(names), owned, _fetching(others), after)


def _fetching(names: Sequence[str]) -> Fetch:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda attributes: tuple([attributes[name] for name in names])
