"""The dead man's switch: a request to somebody who notices when it stops."""

from __future__ import annotations

import threading

from seclog_handlers.handlers.alerts.channels.http import Endpoint


class Heartbeat:
    """Calls a URL at intervals while alerts can be delivered; silence then means trouble.

    Args:
        endpoint: Where to call, with GET.
        interval: Seconds between calls.
    """

    def __init__(self, endpoint: Endpoint, interval: float) -> None:
        self._endpoint = endpoint
        self._interval = interval
        self._next = float("-inf")
        self._busy = threading.Event()

    def beat(self, now: float, *, healthy: bool) -> None:
        """Call if it is time and all is well; the call itself runs in a thread of its own."""
        if now < self._next or not healthy or self._busy.is_set():
            return
        self._next = now + self._interval
        self._busy.set()
        try:
            threading.Thread(target=self._call, name="seclog-heartbeat", daemon=True).start()
        except RuntimeError:
            self._busy.clear()  # the interpreter is about to end, and silence is right

    def _call(self) -> None:
        try:
            self._endpoint.send("GET", None, {"User-Agent": "seclog-handlers"})
        finally:
            self._busy.clear()
