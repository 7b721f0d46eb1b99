"""Values to JSON text: RFC 8259 and RFC 7493 (no NaN, no lone surrogate, no key twice, 64-bit integers)."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from seclog_handlers.rendering._budget import ROOM, SMALL, is_exact, room_left
from seclog_handlers.rendering._lines import seal_json
from seclog_handlers.rendering._values import MAX_DEPTH, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_stdlib = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"))


def _stdlib_encode(value: Any) -> str:
    return "".join(_chunks(value, 0))


def _encoder() -> Callable[[Any, int], Iterable[str]]:
    """Return what `JSONEncoder.encode` makes anew for each value, which takes as long as the value of a short line."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # another Python than CPython
        return lambda value, _level: (_stdlib.encode(value),)
    escape = json.encoder.encode_basestring
    chunks: Callable[[Any, int], Iterable[str]] = make(
        None, _stdlib.default, escape, None, ":", ",", False, False, False,
    )  # fmt: skip
    return chunks


_chunks = _encoder()


def dumps(value: Any) -> str:
    """Return `value` as compact JSON that is one line for every reader, `str.splitlines` included.

    What JSON cannot say is rendered as `plain` does. With orjson and without, the parsed values are the same.
    """
    try:
        if (type(value) is str and len(value) <= SMALL) or room_left((value,), ROOM, MAX_DEPTH + 1) >= 0:
            return encode(value)
    except Exception:
        pass  # NaN, a lone surrogate, a dict that another thread changes
    return dumps_plain(plain(value))


def encode(value: Any) -> str:
    """Return what `room_left` or `is_small` let through as JSON, in one line.

    Raises:
        Exception: If it cannot be: NaN, keys that are more than str, lone surrogates.
    """
    fast = fast_encoder()
    line = _stdlib_checked(value) if fast is None else fast[0](value, None, fast[1]).decode()
    return line if line.isascii() and "\x7f" not in line else seal_json(line)


def _stdlib_checked(value: Any) -> str:
    """Refuse what orjson refuses."""
    if not is_exact((value,)):
        raise TypeError
    line = _stdlib_encode(value)
    if not line.isascii():
        line.encode()
    return line


def dumps_plain(tree: Any) -> str:
    """Return what `plain` returned as JSON, without looking at it again."""
    fast = fast_encoder()
    return seal_json(_stdlib_encode(tree) if fast is None else fast[0](tree, None, fast[1]).decode())


@functools.cache
def fast_encoder() -> tuple[Callable[[Any, None, int], bytes], int] | None:
    """Return orjson's encoder and the options it is to be called with, or None if it is not installed."""
    try:
        import orjson  # noqa: PLC0415 - optional
    except ImportError:
        return None
    only_plain = orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATACLASS
    return orjson.dumps, only_plain | orjson.OPT_PASSTHROUGH_DATETIME
