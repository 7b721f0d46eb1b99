from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("django", reason="Django is not installed")

from django.apps import apps
from django.contrib.auth import authenticate, get_user_model, signals
from django.core.management import call_command
from django.db import connection
from django.test import Client

from seclog_handlers.access import AccessLog
from seclog_handlers.integrations.django import receivers
from tests.context.support import Kept, kept
from tests.integrations import django_project  # noqa: F401 - configures Django

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "Correct-Horse-" + "7Battery"


@pytest.fixture(scope="module", autouse=True)
def people() -> Iterator[None]:
    """One user in a database in memory."""
    call_command("migrate", verbosity=0)
    get_user_model().objects.create_user("bob", "bob@shop.example", PASSWORD)
    yield
    connection.close()


@pytest.fixture
def out() -> Kept:
    _, handler = kept("seclog.django")
    return handler


@pytest.fixture
def framework() -> Iterator[Kept]:
    """What django.request logs, behind the app's own filter."""
    logger = logging.getLogger("django.request")
    handler, level = Kept(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    receivers.connect()
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


def client(**environ: str) -> Client:
    return Client(raise_request_exception=False, REMOTE_ADDR="203.0.113.7", HTTP_USER_AGENT="curl/8", **environ)


def log_in(visitor: Client, password: str = PASSWORD) -> Any:
    return visitor.post("/login", {"user": "bob", "password": password})


def test_is_an_app() -> None:
    """The entry of INSTALLED_APPS is found, under a label of its own."""
    assert apps.get_app_config("seclog").name == "seclog_handlers.integrations.django"


def test_a_failed_login_is_an_event(out: Kept) -> None:
    """user_login_failed becomes a failed authentication with user, address and agent, and no password."""
    log_in(client(), "guess-" + PASSWORD)

    event = out.one("authentication")
    assert (event.username, event.success, event.auth_method) == ("bob", False, "django")
    assert (event.ip_address, event.user_agent, event.failure_reason) == (
        "203.0.113.7",
        "curl/8",
        "invalid_credentials",
    )
    assert event.levelno == logging.WARNING
    assert PASSWORD not in repr(vars(event))


def test_a_login_and_a_logout_are_events(out: Kept) -> None:
    """user_logged_in becomes a successful authentication, user_logged_out a security event of severity LOW."""
    visitor = client()
    log_in(visitor)
    visitor.get("/logout")

    event, farewell = out.one("authentication"), out.one("security_user_logged_out")
    assert (event.username, event.success, event.ip_address) == ("bob", True, "203.0.113.7")
    assert (farewell.severity, farewell.user_id) == ("LOW", str(get_user_model().objects.get().pk))


def test_a_logout_of_nobody_is_no_event(out: Kept) -> None:
    """Logging out without being logged in says nothing."""
    client().get("/logout")

    assert out.records == []


def test_a_login_without_a_request_is_an_event(out: Kept) -> None:
    """authenticate() outside of a request, as in a shell or a task, is an event without an address."""
    assert authenticate(username="bob", password="guess") is None

    event = out.one("authentication")
    assert event.username == "bob"
    assert not hasattr(event, "ip_address")


def test_credentials_of_another_kind(out: Kept) -> None:
    """Credentials without a username are a failure of nobody, and none of them is logged."""
    signals.user_login_failed.send(sender=__name__, credentials={"pin": PASSWORD}, request=None)

    event = out.one("authentication")
    assert not hasattr(event, "username")
    assert PASSWORD not in repr(vars(event))


def test_forwarded_addresses_are_believed_from_trusted_proxies_only(out: Kept) -> None:
    """SECLOG_TRUSTED_PROXIES says whose X-Forwarded-For counts."""
    visitor = Client(REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="198.51.100.9")

    log_in(visitor, "guess")

    assert out.one("authentication").ip_address == "198.51.100.9"


def test_a_denial_says_who_was_denied_what(framework: Kept) -> None:
    """The 403 of django.request carries the user, the resource and the action, and is a denied authorization."""
    visitor = client()
    log_in(visitor)
    framework.records.clear()

    assert visitor.get("/denied").status_code == 403

    (record,) = framework.records
    event = AccessLog().event(record.__dict__)
    assert (record.user_id, record.resource, record.action) == (
        str(get_user_model().objects.get().pk),
        "/denied",
        "GET",
    )  # type: ignore[attr-defined]
    assert event is not None
    assert (event["event_type"], event["granted"]) == ("authorization", False)


def test_a_denial_makes_no_query(framework: Kept) -> None:
    """Where the view did not look at the user, the record does not say who it was: a log call asks no database."""
    visitor = client()
    log_in(visitor)
    framework.records.clear()

    assert visitor.get("/unseen").status_code == 403

    (record,) = framework.records
    assert record.resource == "/unseen"  # type: ignore[attr-defined]
    assert not hasattr(record, "user_id")


def test_a_denial_that_is_none_of_djangos_passes() -> None:
    """A record with a status and an odd request is left alone and passes."""
    record = logging.makeLogRecord({"status_code": 403, "request": object()})

    assert receivers.PermissionDenials().filter(record)
    assert not hasattr(record, "resource")


def test_an_unhandled_exception_is_an_event(out: Kept) -> None:
    """An exception of a view is a security event of severity HIGH with its traceback."""
    assert client().get("/broken").status_code == 500

    event = out.one("security_unhandled_exception")
    assert (event.severity, event.ip_address, str(event.exc_info[1])) == ("HIGH", "203.0.113.7", "broken view")


def test_connecting_twice_logs_once(out: Kept) -> None:
    """A second ready() changes nothing."""
    receivers.connect()

    log_in(client(), "guess")

    assert len(out.of("authentication")) == 1
    filters = logging.getLogger("django.request").filters
    assert sum(isinstance(stage, receivers.PermissionDenials) for stage in filters) <= 1


class Broken(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        raise RuntimeError("a filter of the application's")


def test_a_logger_that_raises_does_not_reach_the_login(out: Kept) -> None:
    """Logging in works even if the event cannot be logged."""
    logging.getLogger("seclog.django").addFilter(Broken())

    assert log_in(client()).status_code == 200
