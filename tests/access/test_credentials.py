"""Which 401 is a failed login, and which a mere challenge."""

from __future__ import annotations

import pytest

from seclog_handlers.access import AccessLog

from .shapes import BASIC, BEARER, django_record, gunicorn_record, uvicorn_record

CHALLENGE = {"WWW-Authenticate": 'Basic realm="x"'}


def kind_of(record, **settings):
    return AccessLog(**settings).event(record.__dict__)["event_type"]


@pytest.mark.parametrize(
    ("headers", "method"),
    [
        ({"Authorization": BASIC}, "basic"),
        ({"Authorization": BEARER}, "bearer"),
        ({"Authorization": 'Digest username="bob"'}, "digest"),
        ({"Authorization": "made-up-scheme-or-secret x"}, "other"),
        ({"Authorization": " "}, "other"),
        ({"X-Api-Key": "made-up"}, "api_key"),
    ],
)
def test_credentials_in_a_header_make_a_failed_login(headers, method):
    """Credentials of any scheme make a 401 a failed login; a scheme that nobody registered is not shown."""
    event = AccessLog().event(gunicorn_record("401", headers=headers, answer=CHALLENGE).__dict__)

    assert event["event_type"] == "authentication"
    assert event["auth_method"] == method


@pytest.mark.parametrize("query", ["password=x", "API-Key=x", "access_token=x", "a=1&pwd="])
def test_credentials_in_the_query_make_a_failed_login(query):
    """Where no header is seen, a parameter that is named like a credential says it."""
    assert kind_of(uvicorn_record(401, "/x?" + query)) == "authentication"


@pytest.mark.parametrize("path", ["/login", "/accounts/login/", "/api/v2/Token", "/wp-login.php"])
def test_a_login_path_makes_a_failed_login(path):
    """On a login path the credentials are in the body, which no log shows."""
    assert kind_of(uvicorn_record(401, path)) == "authentication"


def test_login_paths_are_a_choice():
    """Configured login paths replace the built-in ones."""
    settings = {"login_paths": ["/enter/*"]}

    assert kind_of(uvicorn_record(401, "/enter/here"), **settings) == "authentication"
    assert kind_of(uvicorn_record(401, "/login"), **settings) == "api_response"


@pytest.mark.parametrize(
    "record",
    [
        lambda: gunicorn_record("401", answer=CHALLENGE),
        lambda: uvicorn_record(401, "/api?page=2"),
        lambda: django_record(401),
        lambda: gunicorn_record(
            "401",
            headers={"Authorization": BEARER},
            answer={
                "WWW-Authenticate": 'Bearer error="invalid_token", error_description="The access token Expired"',
            },
        ),
        lambda: gunicorn_record(
            "401",
            headers={"Authorization": "Digest x"},
            answer={
                "WWW-Authenticate": 'Digest realm="x", stale=TRUE',
            },
        ),
    ],
)
def test_a_mere_challenge_is_a_response(record):
    """A 401 that asks for credentials, or for fresh ones, is nobody's failed login."""
    assert kind_of(record()) == "api_response"


def test_an_expired_word_does_not_excuse_a_password():
    """Only tokens run out: a Basic login is a failure whatever the challenge says."""
    record = gunicorn_record("401", headers={"Authorization": BASIC}, answer={"WWW-Authenticate": "Basic expired"})

    assert kind_of(record) == "authentication"


@pytest.mark.parametrize(
    ("header", "user"),
    [
        (BASIC, "bob"),
        ("Basic ???", None),
        ("Basic " + "gICA", None),
        ("Basic", None),
    ],
)
def test_django_shows_the_user_of_basic(header, user):
    """The user of Basic authentication is read from the header; what is none shows nobody."""
    event = AccessLog().event(django_record(401, headers={"authorization": header}).__dict__)

    assert event.get("username") == user


def test_another_schemes_user_is_not_taken_from_the_query():
    """A token's owner is unknown: a parameter named user is about somebody else."""
    event = AccessLog().event(gunicorn_record("401", query="user=eve", headers={"Authorization": BEARER}).__dict__)

    assert "username" not in event


def test_where_the_server_shows_headers_it_decides_about_tokens():
    """Django cannot see that a token ran out; once gunicorn was seen to show it, its record decides."""
    headers = {"authorization": BEARER}
    expired = {"WWW-Authenticate": 'Bearer error_description="expired"'}
    log = AccessLog()
    log.event(gunicorn_record().__dict__)

    assert log.event(django_record(401, headers=headers).__dict__) is None
    assert log.event(gunicorn_record("401", headers=headers, answer=expired).__dict__)["event_type"] == "api_response"
    assert log.event(django_record(401, headers=headers).__dict__) is None
    assert log.event(gunicorn_record("401", headers=headers).__dict__)["event_type"] == "authentication"
    assert log.event(django_record(401, "/login", headers=headers).__dict__)["event_type"] == "authentication"
