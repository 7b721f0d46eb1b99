"""Ten records that carry secrets the way real programs log them, and what a configuration writes of them."""

from __future__ import annotations

import copy
import json
import logging
import logging.handlers
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seclog_handlers.cli.check_graph import describe, every_handler, next_handlers, redacts, writes

if TYPE_CHECKING:
    from collections.abc import Callable

# Fake, and built so that no scanner takes them for real ones.
PASSWORD = "trap-" + "Xq7-hunter2-Zr"
TOKEN = "tok" + "_trap_9f8e7d6c5b4a39281706"
COOKIE = "5e55" + "1d0ff1cec0ffee15bad"
CARD = "4111" + "1111" * 3
QUERY = f"/login?user=alice&password={PASSWORD}"
STDLIB_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class _Request:
    """Shows what Django's WSGIRequest shows."""

    def __repr__(self) -> str:
        return f"<WSGIRequest: GET '{QUERY}'>"


@dataclass(frozen=True)
class Trap:
    """A record, and what must not be in the line that is written of it.

    Attributes:
        secrets: Texts that nobody may read there.
        controls: Characters that would break the line or drive a terminal.
    """

    title: str
    logger: str
    level: int
    msg: str
    args: Any = ()
    extra: dict[str, Any] = field(default_factory=dict)
    error: Callable[[], Any] = lambda: None
    secrets: tuple[str, ...] = (PASSWORD,)
    controls: tuple[str, ...] = ()


def _chained() -> Any:
    try:
        try:
            raise ConnectionError(f"cannot connect to postgresql://shop:{PASSWORD}@db.internal/shop")
        except ConnectionError as error:
            raise RuntimeError("no database") from error
    except RuntimeError:
        return sys.exc_info()


_ATOMS = {
    "h": "203.0.113.7", "l": "-", "u": "-", "t": "[01/Jan/2026:08:00:00 +0000]", "r": f"GET {QUERY} HTTP/1.1",
    "m": "GET", "U": "/login", "q": QUERY.partition("?")[2], "H": "HTTP/1.1", "s": "401", "b": "12", "B": 12,
    "f": "-", "a": "curl/8.5.0", "D": 1200, "M": 1, "{authorization}i": f"Bearer {TOKEN}",
    "{cookie}i": f"sessionid={COOKIE}", "{http_authorization}e": f"Bearer {TOKEN}",
}  # fmt: skip
_HEADERS = {"Authorization": f"Bearer {TOKEN}", "Cookie": f"sessionid={COOKIE}", "X-Api-Key": TOKEN}
_LOGIN = {
    "event_type": "authentication", "username": "alice", "success": False, "ip_address": "203.0.113.7",
    "failure_reason": "wrong password",
}  # fmt: skip

TRAPS = (
    Trap("A password in the message of an event", "shop.auth", logging.WARNING,
         "login failed for %s: password=%s", ("alice", PASSWORD), _LOGIN),
    Trap("gunicorn's access record: every header, printed or not", "gunicorn.access", logging.INFO,
         '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"', (_ATOMS,),
         secrets=(PASSWORD, TOKEN, COOKIE)),
    Trap("uvicorn's access record", "uvicorn.access", logging.INFO,
         '%s - "%s %s HTTP/%s" %d', ("203.0.113.8:33164", "GET", QUERY, "1.1", 401)),
    Trap("werkzeug's access record, with terminal codes", "werkzeug", logging.INFO,
         '203.0.113.9 - - [01/Jan/2026 08:00:00] "%s" %s %s',
         (f"\x1b[31mGET {QUERY} HTTP/1.1\x1b[0m", "401", "-"), controls=("\x1b",)),
    Trap("django.request, whose request shows its query string", "django.request", logging.WARNING,
         "%s: %s", ("Unauthorized", "/login"), {"status_code": 401, "request": _Request()}),
    Trap("A Celery task's arguments and result, as text", "celery.app.trace", logging.INFO,
         "Task %(name)s[%(id)s] succeeded in %(runtime)ss: %(return_value)s",
         ({"name": "shop.pay", "id": "42", "runtime": "0.1", "return_value": f"{{'token': '{TOKEN}'}}",
           "args": f"('{CARD}',)", "kwargs": f"{{'password': '{PASSWORD}'}}"},),
         {"data": {"kwargs": f"{{'password': '{PASSWORD}'}}"}}, secrets=(PASSWORD, TOKEN, CARD)),
    Trap("An exception whose cause names a password", "shop.db", logging.ERROR,
         "order failed", error=_chained),
    Trap("Headers as a dict among the arguments", "shop.client", logging.INFO,
         "calling the bank with %s", (("headers", _HEADERS),), secrets=(TOKEN, COOKIE)),
    Trap("A forged second line", "shop.search", logging.INFO, "search for %s",
         ("shoes\n2026-01-01 08:00:00,000 INFO shop.auth login succeeded for admin\x1b[2K",),
         secrets=(), controls=("\n", "\x1b")),
    Trap("A card number and a password in JSON in a string", "shop.api", logging.INFO,
         "body: %s", (json.dumps({"card": CARD, "user": {"name": "alice", "password": PASSWORD}}),),
         secrets=(PASSWORD, CARD)),
)  # fmt: skip


def play() -> list[dict[str, Any]]:
    """Log every trap record and return, for each, the stdlib's line and the lines of this configuration.

    Nothing reaches what the handlers write to: from here on each one's lines are kept, and nobody is alerted.
    """
    written: list[tuple[logging.Handler, str]] = []
    for handler in every_handler():
        _capture(handler, written)
    return [_played(trap, written) for trap in TRAPS]


def _played(trap: Trap, written: list[tuple[logging.Handler, str]]) -> dict[str, Any]:
    del written[:]
    logger = logging.getLogger(trap.logger)
    record = logger.makeRecord(
        trap.logger, trap.level, "/srv/app.py", 1, trap.msg, trap.args, trap.error(), "view", trap.extra,
    )  # fmt: skip
    before = logging.Formatter(STDLIB_FORMAT).format(copy.copy(record))
    if logger.isEnabledFor(trap.level):
        logger.handle(record)
    return {
        "title": trap.title,
        "logger": trap.logger,
        "before": before,
        "after": [{"handler": describe(handler), "line": line} for handler, line in written],
        "leaked_by": showing(trap.secrets, written),
        "forged_by": showing(trap.controls, written),
    }


def showing(texts: tuple[str, ...], written: list[tuple[logging.Handler, str]]) -> list[str]:
    """Return the handlers whose line has one of the texts."""
    return list(dict.fromkeys(
        describe(handler) for handler, line in written if any(text in line for text in texts)
    ))  # fmt: skip


def _capture(handler: logging.Handler, written: list[tuple[logging.Handler, str]]) -> None:
    """Keep what an ending handler would write; pass on, at once, what one on the way would hold back."""
    further = next_handlers(handler)
    if not writes(handler):
        handler.handle = lambda _: True  # type: ignore[assignment,method-assign]
    elif redacts(handler):
        return
    elif further:
        handler.emit = lambda record: [each.handle(record) for each in further]  # type: ignore[assignment,method-assign]
    else:
        handler.emit = lambda record: written.append((handler, handler.format(record)))  # type: ignore[method-assign]
