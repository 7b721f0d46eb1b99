"""Every surface of a record, with every key that says secret: what a line still shows of 20 keys' values.

Run it: python benchmarks/redaction/surfaces.py

Each key's value is logged in each of the ways below through a SecurityHandler and a JsonFormatter with the default
policy, and the line, and what reached stderr, are searched for it.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

KEYS = (
    "password", "passwd", "db_password", "userPassword", "DB_PASSWORD", "secret", "client_secret", "clientSecret",
    "api_key", "apiKey", "X-Api-Key", "token", "access_token", "refreshToken", "auth_token", "private_key",
    "secret_key", "aws_secret_access_key", "passphrase", "credentials",
)  # fmt: skip
SECRETS = ("hunter2Xy9!", "ab#cd12EF", "p@ss:w0rd/1")

Way = Callable[[logging.Logger, str, str], None]


@dataclass
class Login:
    """An object that shows what it holds."""

    user: str
    password: str


def _raise(error: BaseException, logger: logging.Logger, **keywords: Any) -> None:
    try:
        raise error
    except BaseException:
        logger.exception("failed", **keywords)


def _chained(logger: logging.Logger, text: str) -> None:
    try:
        try:
            raise ValueError(text)
        except ValueError as cause:
            raise RuntimeError("outer") from cause
    except RuntimeError:
        logger.exception("failed")


def _noted(logger: logging.Logger, text: str) -> None:
    error = ValueError("outer")
    error.__notes__ = [text]  # type: ignore[attr-defined]  # 3.10 has no add_note
    _raise(error, logger)


def _named(logger: logging.Logger, **attributes: Any) -> None:
    record = logger.makeRecord(logger.name, logging.INFO, "x.py", 1, "x", (), None)
    record.__dict__.update(attributes)
    logger.handle(record)


WAYS: dict[str, Way] = {
    "message =": lambda log, k, v: log.info(f"{k}={v} done"),
    "message :": lambda log, k, v: log.info(f"{k}: {v}"),
    "message quoted": lambda log, k, v: log.info(f'{k}="{v}" done'),
    "message JSON": lambda log, k, v: log.info(json.dumps({k: v, "n": 1})),
    "message repr": lambda log, k, v: log.info(str({k: v, "n": 1})),
    "message query": lambda log, k, v: log.info(f"GET /x?a=1&{k}={quote(v, safe='')}&b=2"),
    "message raw query": lambda log, k, v: log.info(f"GET /x?a=1&{k}={v}&b=2"),
    "message XML": lambda log, k, v: log.info(f"<{k}>{v}</{k}>"),
    "message header": lambda log, k, v: log.info(f"headers={{'Host': 'x', '{k}': '{v}'}}"),
    "message flag": lambda log, k, v: log.info(f"run --{k} {v} --verbose"),
    "argument": lambda log, k, v: log.info("%s=%s", k, v),
    "argument text": lambda log, k, v: log.info("got %s", f"{k}={v}"),
    "argument dict": lambda log, k, v: log.info("got %s", {k: v}),
    "argument list": lambda log, k, v: log.info("got %s", [{k: v}]),
    "argument pair": lambda log, k, v: log.info("got %s", [(k, v)]),
    "argument bytes": lambda log, k, v: log.info("got %s", f"{k}={v}".encode()),
    "argument object": lambda log, _k, v: log.info("got %s", Login("bob", v)),
    "argument by name": lambda log, k, v: log.info(f"%({k})s", {k: v}),
    "argument that does not fit": lambda log, k, v: log.info("got %d", f"{k}={v}"),
    "arguments too many": lambda log, k, v: log.info("got %s", f"{k}={v}", 2),  # noqa: PLE1205 - that is the case
    "dict message": lambda log, k, v: log.info({k: v, "n": 1}),
    "extra": lambda log, k, v: log.info("x", extra={k: v}),
    "extra dict": lambda log, k, v: log.info("x", extra={"data": {k: v}}),
    "extra deep": lambda log, k, v: log.info("x", extra={"data": [{"a": [{"b": {k: v}}]}]}),
    "extra list under the key": lambda log, k, v: log.info("x", extra={k: [v, v]}),
    "extra pair": lambda log, k, v: log.info("x", extra={"headers": [[k, v]]}),
    "extra entry": lambda log, k, v: log.info("x", extra={"env": [{"name": k, "value": v}]}),
    "extra text": lambda log, k, v: log.info("x", extra={"body": f"{k}={v}"}),
    "extra JSON": lambda log, k, v: log.info("x", extra={"body": json.dumps({k: v})}),
    "extra JSON twice": lambda log, k, v: log.info("x", extra={"body": json.dumps({"a": json.dumps({k: v})})}),
    "extra object": lambda log, _k, v: log.info("x", extra={"login": Login("bob", v)}),
    "extra bytes": lambda log, k, v: log.info("x", extra={k: v.encode()}),
    "extra set": lambda log, k, v: log.info("x", extra={k: {v}}),
    "event": lambda log, k, v: log.info("x", extra={"event_type": "authentication", "context": {k: v}}),
    "event headers": lambda log, k, v: log.info("x", extra={"event_type": "api_request", "headers": {k: v}}),
    "event query": lambda log, k, v: log.info("x", extra={"event_type": "api_request", "query_params": {k: v}}),
    "exception": lambda log, k, v: _raise(ValueError(f"{k}={v}"), log),
    "exception dict": lambda log, k, v: _raise(ValueError({k: v}), log),
    "exception cause": lambda log, k, v: _chained(log, f"{k}={v}"),
    "exception note": lambda log, k, v: _noted(log, f"{k}={v}"),
    "exc_text": lambda log, k, v: _named(log, exc_text=f"Traceback:\n  {k}={v}"),
    "stack_info": lambda log, k, v: _named(log, stack_info=f"Stack:\n  f({k}='{v}')"),
    "thread name": lambda log, k, v: _named(log, threadName=f"worker {k}={v}"),
    "process name": lambda log, k, v: _named(log, processName=f"worker {k}={v}"),
    "task name": lambda log, k, v: _named(log, taskName=f"task {k}={v}"),
    "logger name": lambda log, k, v: _named(log, name=f"app {k}={v}"),
    "color_message": lambda log, k, v: _named(log, color_message=f"\x1b[1m{k}\x1b[0m={v}"),
    "percent": lambda log, k, v: log.info(f"q={quote(f'{k}={v}', safe='')}"),
}


# What `:`, `/` and `#` mean there is anyone's guess, but for a `#` in a query.
PLAIN_ONLY = ("message raw query", "message flag", "message =", "message :")


def rows() -> Iterator[tuple[str, str, str]]:
    """Yield way, key and secret of each case."""
    for way, key, secret in itertools.product(WAYS, KEYS, SECRETS):
        in_query = way == "message raw query" and "#" in secret
        if secret == SECRETS[0] or way not in PLAIN_ONLY or in_query:
            yield way, key, secret


def shown(way: str, key: str, secret: str) -> bool:
    """Tell whether a line, or stderr, still shows the secret."""
    from seclog_handlers import JsonFormatter, SecurityHandler

    out, said = io.StringIO(), io.StringIO()
    target = logging.StreamHandler(out)
    target.setFormatter(JsonFormatter("%(threadName)s %(processName)s %(taskName)s", defaults={"taskName": None}))
    logger = logging.Logger("surfaces")
    logger.addHandler(_handler(SecurityHandler, target))
    with contextlib.redirect_stderr(said):
        WAYS[way](logger, key, secret)
    text = out.getvalue() + said.getvalue()
    return any(form in text for form in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1]))


_known: dict[str, Any] = {}


def _handler(kind: Any, target: logging.Handler) -> Any:
    """Return one handler for all rows, with another target each time."""
    if "handler" not in _known:
        _known["handler"] = kind(target=target)
    _known["handler"].setTarget(target)
    return _known["handler"]


def main() -> int:
    warnings.simplefilter("ignore")
    cases = list(rows())
    missed = [case for case in cases if shown(*case)]
    for way, key, secret in missed:
        print(f"shown: {way}, {key}, {secret}")
    print(f"{len(cases) - len(missed)} of {len(cases)} in {len(WAYS)} ways with {len(KEYS)} keys")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
