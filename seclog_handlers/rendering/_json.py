"""Values to JSON text: RFC 8259 and RFC 7493 (no NaN, no lone surrogate, no key twice, 64-bit integers)."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from seclog_handlers.rendering._budget import ROOM, has_exact_keys, room_left
from seclog_handlers.rendering._lines import seal_json
from seclog_handlers.rendering._values import MAX_DEPTH, plain

if TYPE_CHECKING:
    from collections.abc import Callable

_stdlib_encode = json.JSONEncoder(
    ensure_ascii=False,
    check_circular=False,
    allow_nan=False,
    separators=(",", ":"),
).encode


def dumps(value: Any) -> str:
    """Return `value` as compact JSON that is one line for every reader, `str.splitlines` included.

    What JSON cannot say is rendered as `plain` does. With orjson and without, the parsed values are the same.
    """
    fast = fast_encoder()
    try:
        if room_left((value,), ROOM, MAX_DEPTH + 1) >= 0:
            if fast is not None:
                return seal_json(fast(value).decode())
            if has_exact_keys((value,)):
                line = _stdlib_encode(value)
                if line.isascii() or line.encode():  # which refuses lone surrogates, as orjson does
                    return seal_json(line)
    except Exception:
        pass  # NaN, a lone surrogate, a dict that another thread changes
    return dumps_plain(plain(value))


def dumps_plain(tree: Any) -> str:
    """Return what `plain` returned as JSON, without looking at it again."""
    fast = fast_encoder()
    return seal_json(_stdlib_encode(tree) if fast is None else fast(tree).decode())


@functools.cache
def fast_encoder() -> Callable[[Any], bytes] | None:
    """Return orjson's encoder, or None if orjson is not installed."""
    try:
        import orjson  # noqa: PLC0415 - optional
    except ImportError:
        return None
    only_plain = orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATACLASS
    return functools.partial(orjson.dumps, option=only_plain | orjson.OPT_PASSTHROUGH_DATETIME)
