"""The request that the running code works for: known to every record, passed through no argument."""

from __future__ import annotations

import logging
import re
import sys
import threading
from contextvars import ContextVar, Token
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from seclog_handlers._record import IN_REQUEST, ensure_mark
from seclog_handlers.events import AUTHENTICATION, AUTHORIZATION, RATE_LIMIT_VIOLATION, SECURITY_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

# An id from outside is written into every line of its request: a short word, or it is not taken.
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,128}")

_FINDINGS = frozenset({AUTHENTICATION, AUTHORIZATION, RATE_LIMIT_VIOLATION})

# Who starts threads that go on to serve other requests: pools, and this pack's own senders.
_POOLS = ("concurrent.futures.", "multiprocessing.", "anyio.", "trio.", "logging.", "seclog_handlers.")
# Tool numbers of sys.monitoring that PEP 669 leaves without a purpose.
_FREE_TOOLS = (4, 3)


class RequestId(str):
    """A request's id, which also carries what is known of the response.

    Attributes:
        status_code: What the request ended with; set it, the default is 200.
        response_size: Bytes of the body; set it if known.
        ip_address: The client's, where it is known: events of the request that lack one get it.
    """

    __slots__ = ("ended", "ip_address", "response_size", "status_code")

    def __new__(cls, text: str) -> RequestId:  # noqa: PYI034 - Self is 3.11
        """Return an id whose response is a 200 of unknown size so far."""
        request = super().__new__(cls, text)
        request.status_code, request.response_size, request.ended, request.ip_address = 200, None, False, None
        return request

    status_code: int
    response_size: int | None
    ip_address: Any
    ended: bool


_current: ContextVar[RequestId | None] = ContextVar("seclog_request", default=None)
_inherited: WeakKeyDictionary[threading.Thread, RequestId] = WeakKeyDictionary()
_any_inherited = False  # most programs start no thread in a request: asking costs them one global


def accept(candidate: Any) -> str | None:
    """Return an id that came from outside if it is 1 to 128 of letters, digits, dot, dash, underscore."""
    if isinstance(candidate, str) and _ACCEPTED.fullmatch(candidate):
        return str(candidate)
    return None


def new_id() -> str:
    """Return a new id: 32 hexadecimal digits, a random UUID."""
    from uuid import uuid4  # noqa: PLC0415 - 5 ms that only servers need to pay

    return uuid4().hex


def enter(request: RequestId) -> Token[RequestId | None]:
    """Make `request` the current one of this thread or task."""
    _follow_threads()
    return _current.set(request)


def leave(request: RequestId, token: Token[RequestId | None]) -> None:
    """Forget `request`; threads and tasks that it started keep its id."""
    request.ended = True
    try:
        _current.reset(token)
    except ValueError:  # a server that closes the body in another context than it called the application in
        if _current.get() is request:
            _current.set(None)


def current() -> RequestId | None:
    """Return the request of this task or thread, else that of the request which started this thread."""
    request = _current.get()
    if request is None and _any_inherited:
        thread = threading.current_thread()
        request = _inherited.get(thread)
        if request is not None and request.ended and thread.daemon:
            return None  # a daemon that outlives its request serves the program
    return request


def apply(record: logging.LogRecord) -> None:
    """Complete a private record that this thread made during a request, and mark it as such."""
    if _current.get() is None and not _any_inherited:
        return  # as in most programs
    if complete(record):
        ensure_mark(record).applied.add(IN_REQUEST)


def complete(record: logging.LogRecord) -> bool:
    """Say whose a record is that this thread made during a request: `request_id` and, on a finding, the address.

    Returns:
        Whether it is the current request's.
    """
    request = current()
    if request is None:
        return False
    # A queue listener handles records of other threads: they are not of this request.
    if record.thread is not None and record.thread != threading.get_ident():
        return False
    attributes = record.__dict__
    given = attributes.setdefault("request_id", str(request))
    if type(given) is not str or given != request:
        return False
    if request.ip_address and not attributes.get("ip_address") and _is_finding(attributes.get("event_type")):
        attributes["ip_address"] = request.ip_address
    return True


def _is_finding(event_type: Any) -> bool:
    """Tell whether an event is something that rules count by the address it came from."""
    return type(event_type) is str and (event_type in _FINDINGS or event_type.startswith(SECURITY_PREFIX))


def current_request_id() -> str | None:
    """Return the id of the request that this code works for, or None outside of one."""
    request = current()
    return None if request is None else str(request)


class RequestIdFilter(logging.Filter):
    """Say on every record which request it was made during, for handlers that are not a SecurityHandler."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Complete the record; always True."""
        complete(record)
        return True


def carry(function: Callable[..., Result]) -> Callable[..., Result]:
    """Return `function` bound to the current request, to be run in another thread, pool or greenlet.

    From Python 3.12 on a `threading.Thread` started in a request knows it by itself. `carry` is for older
    Pythons, for pools, whose threads serve many requests, and for gevent:
    `Thread(target=carry(work))`, `pool.submit(carry(work), item)`, `gevent.spawn(carry(work))`.
    """
    request = current()

    @wraps(function)
    def carried(*args: Any, **kwargs: Any) -> Result:
        token = _current.set(request)
        try:
            return function(*args, **kwargs)
        finally:
            _current.reset(token)

    return carried


def _follow_threads() -> None:
    """Have `Thread.start` tell who starts the thread; costs nothing anywhere else, changes no code."""
    global _following  # noqa: PLW0603 - once per process
    if _following or sys.version_info < (3, 12):
        return
    _following = True
    monitoring = sys.monitoring
    started = monitoring.events.PY_START
    for tool in _FREE_TOOLS:
        if monitoring.get_tool(tool) is None:
            monitoring.use_tool_id(tool, "seclog_handlers")
            monitoring.register_callback(tool, started, _on_thread_start)
            monitoring.set_local_events(tool, threading.Thread.start.__code__, started)
            return


_following = False


def _on_thread_start(_code: Any, _offset: int) -> None:
    """Note the current request for the thread that is being started; called inside `Thread.start`."""
    global _any_inherited  # noqa: PLW0603 - switched on once
    try:
        request = current()
        if request is not None:
            start = sys._getframe(1)  # noqa: SLF001 - its only way to say which thread
            caller = start.f_back.f_globals.get("__name__", "") if start.f_back else ""
            if not f"{caller}.".startswith(_POOLS):
                _inherited[start.f_locals["self"]] = request
                _any_inherited = True
    except Exception:
        pass  # it would be raised out of the application's Thread.start()
