"""Sets of paths as a configuration names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Paths:
    """Paths by name: `/a/b` exactly, `/a/*` for `/a` and all below, `b` as the last segment of any path.

    Case and a slash at the end make no difference.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        words = [entry.strip().lower() for entry in entries]
        whole = [word for word in words if word.startswith("/")]
        self._below = tuple(word[:-1] for word in whole if word.endswith("/*"))
        self._exact = frozenset(_bare(word) for word in whole if not word.endswith("/*"))
        self._last = frozenset(word.rstrip("/") for word in words if word not in whole)

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._below or self._exact or self._last)

    def match(self, path: str) -> bool:
        """Tell whether the path is one of these."""
        bare = _bare(path.lower())
        if bare in self._exact or bare.rpartition("/")[2] in self._last:
            return True
        return bool(self._below) and (bare + "/").startswith(self._below)


def _bare(path: str) -> str:
    return path.rstrip("/") or "/"
