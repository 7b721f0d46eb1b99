"""Lines of records that came out of their stages alike: only what differs is written anew.

A template is made from a finished line and checked against it, so that it says what the long way says or is not
used. It takes a third of the time.
"""

from __future__ import annotations

import re
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
_WORD = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch
# Numbers between these have the same digits in JSON as in Python: beyond, one of them writes an exponent.
_EXACT, _LEAST = 2**53, 0.001

Fetch = Callable[[dict[str, Any]], tuple[Any, ...]]


# What differs: the attribute's name; whether it is plain and small where the pack has set it; the text behind it.
_Hole = tuple[str, bool, str]


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
        for name, owned, after in self.holes:
            value = attributes[name]
            kind = type(value)
            # Written out what most are: numbers that JSON shows as Python does, and words without anything to escape.
            if kind is int and -_EXACT < value < _EXACT:
                line = f"{line}{value}{after}"
            elif kind is str and _WORD(value) is not None:
                line = f'{line}"{value}"{after}'
            elif kind is float and _LEAST <= value < _EXACT:
                line = f"{line}{value!r}{after}"
            elif (owned and name in mark.derived) or kind in _PLAIN or is_small((value,)):
                line = f"{line}{encode(value)}{after}"
            else:
                return None
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
    holed = {key: f"{_HOLE}{key}" if key in differing else value for key, value in line.items()}
    before, _, rest = encode({**holed, time_key: _HOLE}).partition(_HOLE)
    pieces: list[str] = []
    for key in filter(differing.__contains__, line):
        piece, _, rest = rest.partition(encode(holed[key]))
        pieces.append(piece)
    pieces.append(rest)
    names = [differing[key] for key in line if key in differing]
    holes = [(name, name in pack, piece) for name, piece in zip(names, pieces[1:], strict=True)]
    fixed = _fetching([*_SHOWN, *[name for _, name in fields if name in alike]])
    made = Template(tuple(attributes), fixed, fixed(attributes), before, pieces[0], tuple(holes))
    return made if made.line(attributes, line[time_key], mark) == finished else None


def _fetching(names: Sequence[str]) -> Fetch:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda attributes: tuple([attributes[name] for name in names])
