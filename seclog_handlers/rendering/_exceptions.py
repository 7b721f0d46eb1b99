"""The text of one exception, whatever it was given: containers in it may hold themselves, or have no end."""

from __future__ import annotations

import builtins
from typing import Any

from seclog_handlers.rendering._budget import SMALL, is_bounded, is_exact
from seclog_handlers.rendering._strings import mro

_CONTAINERS = (dict, list, tuple, set, frozenset)
_args_of = BaseException.__dict__["args"].__get__
# Python's own classes whose text shows more than the arguments -> what else.
_SHOWN: tuple[tuple[type[BaseException], Any], ...] = tuple(
    (kind, tuple([kind.__dict__[name].__get__ for name in names]))
    for kind, names in (
        (OSError, ("errno", "strerror", "filename", "filename2")),
        (SyntaxError, ("msg", "filename", "lineno", "text")),
        (ImportError, ("msg",)),
    )
)
_GROUP: tuple[type[BaseException], ...] = (  # Python 3.10 has none
    (builtins.BaseExceptionGroup,) if hasattr(builtins, "BaseExceptionGroup") else ()
)
_PLAIN = frozenset(map(id, (str, int, float, bool, type(None))))  # by identity: a metaclass may raise when hashed
# What a class of Python's own has for `__str__`; a class with a way of its own is asked.
_SLOT = type(BaseException.__str__)


def ingredients(error: BaseException) -> tuple[Any, ...]:
    """Return what Python's own classes make an exception's text of: its arguments, names of files and the like."""
    kind, found = type(error), _args_of(error)
    for shown, getters in _SHOWN:
        if issubclass(kind, shown):
            return (*found, *[get(error) for get in getters])
    return tuple(found[:1] if issubclass(kind, _GROUP) else found)  # of a group's members the number is shown


def endless_part(error: BaseException, method: str = "__str__") -> Any:
    """Return what one of Python's own classes would show though it is no small plain data; None if there is none."""
    try:
        own = type(getattr(type(error), method)) is not _SLOT
    except Exception:  # a metaclass with its own ideas
        own = True
    if own:
        return None
    parts = ingredients(error)
    if _PLAIN.issuperset(map(id, map(type, parts))) or not any(map(_is_container, parts)):
        return None
    if is_bounded((parts,), SMALL) and is_exact((parts,)):
        return None
    return parts[0] if len(parts) == 1 else parts


def _is_container(part: Any) -> bool:
    bases = mro(type(part))
    return any(base is kind for kind in _CONTAINERS for base in bases)
