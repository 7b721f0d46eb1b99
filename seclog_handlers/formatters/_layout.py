"""Which name every value of a line gets: the pack's own names are trusted, everything else makes room."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from seclog_handlers._config import program_name
from seclog_handlers._record import MARK, STANDARD, mark_of
from seclog_handlers.formatters._options import TRUSTED, Options
from seclog_handlers.rendering import plain, text

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable

_MAX_SHAPES = 256
_MAX_SHAPE_NAMES = 100
_MAX_SHAPE_TEXT = 4_000  # characters: with the numbers above, all the memory that an attacker's keys can take
_MAX_NAME = 500  # characters of a field's name in a line that is written without a closer look
# Containers that the pack makes, of few names and numbers.
OWNED = frozenset({"geo_location", "risk_factors", "security_headers"})
_MAX_LAYOUTS = 16  # one for each policy that shares the formatter


class Layout:
    """The names and constant fields of the lines of one policy.

    Attributes:
        names: Trusted name of the pack -> its name in the output.
        head: Of these, timestamp, level, logger and message.
        constants: service and static fields, as they are in the output.
        shapes: Where the fields of records go, by the names of all their attributes.
        shown: What `fmt` adds: attribute of the record -> its name in the output.
        special: Names of attributes that `place` must look at; every other one keeps its name.
    """

    __slots__ = ("_repeated", "_reserved", "_targets", "constants", "head", "names", "shapes", "shown", "special")

    def __init__(
        self,
        service: str,
        static: dict[str, Any],
        fields: dict[str, str],
        fmt: Iterable[str],
        repeated: Iterable[str] = (),
    ) -> None:
        """Work out the names.

        Args:
            service: The name on every line.
            static: Constant fields.
            fields: Renames, name of the pack -> name in the output.
            fmt: Attributes that the template names.
            repeated: Attributes in which the pack's own records repeat constant fields: they are not said twice.
        """
        self.names = {name: fields.get(name, name) for name in TRUSTED}
        self.head = tuple(self.names.values())[:4]
        self._reserved = {*TRUSTED, *self.names.values(), MARK}
        self._targets: dict[str, str] = {}
        self._repeated: frozenset[str] = frozenset()
        self.constants: dict[str, Any] = {self.names["service"]: service}
        for name, value in static.items():
            self.place(self.constants, fields.get(name, name), plain(value))
        self._reserved.update(self.constants, static)
        self._repeated = frozenset(repeated) & {"service", *static}
        self.shown = {name: fields.get(name, name) for name in fmt if name not in self._reserved}
        self._reserved.update(self.shown, fields.values())
        self._targets = {name: target for name, target in fields.items() if name not in self._reserved}
        self.shapes = Shapes(self)
        self.special = frozenset({*self._reserved, *self._targets})

    def place(self, line: dict[str, Any], name: Any, value: Any) -> None:
        """Put an application's value on the line, under `extra.<name>` if the name is not free."""
        if type(name) is not str:
            name = text(name)
        target = self._targets.get(name)
        if target is None:
            if name in self._repeated:
                return
            target = f"extra.{name}" if name in self._reserved else name
        while target in line:
            target = f"extra.{target}"
        line[target] = value


class Shape(NamedTuple):
    """Where the event fields of a record go.

    Attributes:
        targets: Their names in the output.
        values: Fetches them from the record's attributes; KeyError if one is not there any more.
        owned: Fields that are plain and small if the pack itself has set them.
        others: Fetches the other ones.
        line: A line with every name in its place; only the constants have their values. None if a name may
            have to be cut. To copy it and fill it in takes two thirds of the time that building it anew does.
        names: Their names on the record.
    """

    targets: tuple[str, ...]
    values: Callable[[dict[str, Any]], tuple[Any, ...]]
    owned: frozenset[str]
    others: Callable[[dict[str, Any]], tuple[Any, ...]]
    line: dict[str, Any] | None
    names: tuple[str, ...]


class Shapes(dict[tuple[str, ...], Shape]):
    """For the names of a record's attributes: which are event fields, and under which names they go.

    Most records of a program have one of a few sets of attributes: looking the set up takes half as long as
    looking at each name.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self._layout = layout

    def __missing__(self, names: tuple[str, ...]) -> Shape:
        """Work out the fields of a set that is new; TypeError if a name is no str."""
        if not all(type(name) is str for name in names):
            raise TypeError
        layout = self._layout
        placed: dict[str, str] = {}
        for name in names:
            if name not in STANDARD and name not in layout.shown and name != MARK:
                layout.place(placed, name, name)
        small = len(names) <= _MAX_SHAPE_NAMES and len("".join(names)) <= _MAX_SHAPE_TEXT
        line = {**dict.fromkeys(layout.head), **layout.constants, **dict.fromkeys(placed)}
        ordinary = small and max(map(len, placed), default=0) < _MAX_NAME
        fields, owned = tuple(placed.values()), OWNED.intersection(names)
        others = _fetching(tuple([name for name in fields if name not in owned]))
        shape = Shape(tuple(placed), _fetching(fields), owned, others, line if ordinary else None, fields)
        if small:
            if len(self) >= _MAX_SHAPES:
                self.clear()
            self[names] = shape
        return shape


def _fetching(names: tuple[str, ...]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda attributes: tuple([attributes[name] for name in names])


class Layouts:
    """The layout of each record, by the policy whose mark it carries.

    Attributes:
        default: The layout of a record that carries no mark.
        latest: The policy's output of the last record that carried one, and its layout.
    """

    __slots__ = ("_fmt", "_known", "_options", "default", "latest")

    def __init__(self, options: Options, fmt: tuple[str, ...] = ()) -> None:
        self._options = options
        self._fmt = fmt
        self._known: dict[int, tuple[Any, Layout]] = {}
        self.default = self._layout({})
        self.latest: tuple[Any, Layout] = (self, self.default)

    def of(self, record: logging.LogRecord) -> Layout:
        """Return the layout; the formatter's own options go before those of the policy."""
        mark = mark_of(record)
        output = None if mark is None else mark.output
        if output is None:
            return self.default
        known = self._known.get(id(output))
        if known is None:
            if len(self._known) >= _MAX_LAYOUTS:
                self._known.clear()
            # The policy's dict is kept with its layout, so that its id stays its own.
            known = self._known[id(output)] = (output, self._layout(output))
        self.latest = known
        return known[1]

    def _layout(self, output: dict[str, Any]) -> Layout:
        options = self._options
        return Layout(
            options.service or output.get("service") or program_name(),
            {**(output.get("static") or {}), **options.static},
            {**(output.get("fields") or {}), **options.fields},
            self._fmt,
            output.get("repeated", ()),
        )
