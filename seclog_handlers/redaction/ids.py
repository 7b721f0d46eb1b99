"""Random ids, as every request has one: to read each closely costs a fifth of the whole log call, and finds nothing."""

from __future__ import annotations

import re

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_HEX = re.compile(r"[0-9a-f]+")
_WITH_DASHES = 36
_WITHOUT = (32, 16)  # a trace's id, a span's


def is_random_id(text: str) -> bool:
    """Tell whether a whole text is a UUID, with dashes or without, or half of one, and no text in hexadecimal digits.

    The groups of one with dashes are too short to hide a secret. Bytes that are no UTF-8 are no text; decimal digits
    alone may be the number of a card.
    """
    length = len(text)
    if length == _WITH_DASHES:
        return _UUID.fullmatch(text) is not None
    return (
        length in _WITHOUT
        and _HEX.fullmatch(text) is not None
        and not text.isdigit()
        and "\ufffd" in bytes.fromhex(text).decode("utf-8", "replace")
    )
