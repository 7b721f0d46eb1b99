"""A line that is too long, cut where it hurts least: the longest strings first, visibly."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from seclog_handlers.rendering import cut, dumps_plain, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MIN_SHARE = 64  # bytes that a cut string keeps at least
_SAMPLE = 1_000  # characters
_MARK_ROOM = 200  # bytes of the mark that says how much is missing, and for rounding
_END_ROOM = 200  # bytes for saying how many fields are missing
_MAX_ESCAPE = 6  # bytes of the longest escape of one character


def fit(
    line: dict[str, Any],
    limit: int,
    render: Callable[[dict[str, Any]], str],
    lead: Callable[[dict[str, Any], int], dict[str, Any]],
) -> str:
    """Return the line cut to `limit` bytes: the longest strings first, then whatever comes last.

    Args:
        line: The whole line.
        limit: In bytes of UTF-8.
        render: How a line becomes text.
        lead: How fields are left out where shorter strings are not enough: `leading` or what is built on it.
    """
    whole = plain(line)
    sizes = sorted(_sizes(whole))
    excess = _json_size(_shorten(whole, _MIN_SHARE)) + sum(sizes) - _MIN_SHARE * len(sizes) - limit
    share = _share(sizes, excess) if excess > 0 else limit
    while share >= _MIN_SHARE:
        shown = render(_shorten(whole, share))
        size = len(shown.encode())
        if size <= limit:
            return shown
        share = min(share // 2, share * limit // size)  # the escapes stood at the beginning of the strings
    return render(lead(_shorten(whole, _MIN_SHARE), limit - _END_ROOM))


def leading(line: dict[str, Any], limit: int) -> dict[str, Any]:
    """Return the fields that fit `limit` bytes of JSON, in their order, and how many do not."""
    kept: dict[str, Any] = {}
    for name, value in line.items():
        shown, size = value, _json_size({name: value})
        if size > limit and type(value) is not str:
            shown = cut(dumps_plain(value), limit // (2 * _MAX_ESCAPE))
            size = _json_size({name: shown})
        if size <= limit:
            kept[name] = shown
            limit -= size
    if len(kept) < len(line):
        kept["..."] = f"[cut {len(line) - len(kept)} fields]"
    return kept


def _size(value: str) -> int:
    """Return the bytes that a string takes in a line, about; a long one's by what its ends take."""
    if value.isascii() and value.isprintable():
        return len(value)
    if len(value) <= 2 * _SAMPLE:
        return _json_size(value)
    return (_json_size(value[:_SAMPLE]) + _json_size(value[-_SAMPLE:])) * len(value) // (2 * _SAMPLE)


def _json_size(value: Any) -> int:
    return len(dumps_plain(value).encode())


def _sizes(value: Any) -> Iterator[int]:
    """Yield the size of every string that is worth cutting."""
    for item in value.values() if type(value) is dict else value:
        kind = type(item)
        if kind is str:
            if len(item) * _MAX_ESCAPE > _MIN_SHARE:
                yield _size(item)
        elif kind is dict or kind is list:
            yield from _sizes(item)


def _share(sizes: list[int], excess: int) -> int:
    """Return to how many bytes the longest strings must be cut for the line to lose `excess` bytes."""
    sums = list(accumulate(reversed(sizes)))
    for number, (size, total) in enumerate(zip(reversed(sizes), sums, strict=True), start=1):
        following = sizes[-number - 1] if number < len(sizes) else 0
        share = (total - excess) // number - _MARK_ROOM
        if share >= following or size < _MIN_SHARE:
            return share
    return 0


def _shorten(value: Any, share: int) -> Any:
    """Return plain data with every string that takes more than `share` bytes cut visibly."""
    kind = type(value)
    if kind is str:
        if len(value) * _MAX_ESCAPE <= share:
            return value
        size = _size(value)
        return value if size <= share else cut(value, len(value) * share // size)
    if kind is dict:
        return {name: _shorten(item, share) for name, item in value.items()}
    if kind is list:
        return [_shorten(item, share) for item in value]
    return value
