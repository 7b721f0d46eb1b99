"""The records that every figure of this project is about, as data and as log calls."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"

AUTHENTICATION: dict[str, Any] = {
    "event_type": "authentication",
    "username": "alice",
    "auth_method": "password",
    "success": False,
    "ip_address": "81.2.69.142",
    "user_agent": USER_AGENT,
    "failure_reason": "bad password",
    "session_id": "c2Vzc2lvbi1pZC1vZi1hbGljZQ",
}

API_REQUEST: dict[str, Any] = {
    "event_type": "api_request",
    "request_id": "5f0c2f6e8f1a4a7d9b60c1f1f2d3e4a5",
    "method": "GET",
    "path": "/api/v1/orders",
    "query_params": {"page": "2", "sort": "created", "filter": "open", "api_key": "k-9f8e7d6c5b4a39281706"},
    "headers": {
        "Host": "shop.example.org",
        "User-Agent": USER_AGENT,
        "Accept": "application/json",
        "Accept-Language": "en-GB,en;q=0.9",
        "Accept-Encoding": "gzip, deflate, br",
        "Authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg",
        "Cookie": "sessionid=9f8e7d6c5b4a3928; theme=dark",
        "Content-Type": "application/json",
        "Origin": "https://shop.example.org",
        "Referer": "https://shop.example.org/orders?page=1",
        "X-Request-ID": "5f0c2f6e8f1a4a7d9b60c1f1f2d3e4a5",
        "X-Forwarded-For": "198.51.100.23, 10.0.0.4",
        "Sec-Fetch-Site": "same-origin",
        "Sec-Fetch-Mode": "cors",
        "Cache-Control": "no-cache",
    },
    "user_id": 4711,
    "ip_address": "198.51.100.23",
    "user_agent": USER_AGENT,
    "api_version": "v1",
    "request_size": 0,
}

CONFIRMED = "order %d of %s confirmed, sent with Bearer %s"
CONFIRMATION = (4711, "alice@example.org", "k9f8e7d6c5b4a3928170615243342516")

API_RESPONSE: dict[str, Any] = {
    "event_type": "api_response",
    "request_id": "5f0c2f6e8f1a4a7d9b60c1f1f2d3e4a5",
    "status_code": 200,
    "response_time_ms": 12.5,
    "response_size": 5120,
    "endpoint": "/api/v1/orders",
}


def fresh_login(number: int) -> dict[str, Any]:
    """Return an AUTHENTICATION whose user, address and session no earlier one had."""
    return {
        **AUTHENTICATION,
        "username": f"user{number}",
        "ip_address": f"{11 + number // 2**24 % 80}.{number // 2**16 % 256}.{number // 2**8 % 256}.{number % 256}",
        "session_id": f"c2Vzc2lvbi1{number:015d}",
    }


def answer(number: int) -> dict[str, Any]:
    """Return an API_RESPONSE as a service gives it: of one of 50 endpoints, with an id, a time and a size of its own."""
    return {
        **API_RESPONSE,
        "request_id": f"{number * 2654435761 % 2**64:016x}{number:016x}",
        "response_time_ms": 2.5 + number % 997 / 8,
        "response_size": 512 + number * 7 % 9973,
        "endpoint": f"/api/v1/orders/{number % 50}/items",
    }


def fail(depth: int = 11) -> None:
    """Raise an error with a secret in its text, `depth` + 1 frames deep."""
    if depth:
        fail(depth - 1)
    raise ConnectionError("cannot reach postgresql://app:s3cr3t-of-the-db@db.example.org:5432/orders")


def shape_a(logger: logging.Logger) -> None:
    logger.warning("login failed", extra=AUTHENTICATION)


def shape_b(logger: logging.Logger) -> None:
    logger.info("api_request", extra=API_REQUEST)


def shape_c(logger: logging.Logger) -> None:
    logger.info(CONFIRMED, *CONFIRMATION)


def shape_d(logger: logging.Logger) -> None:
    try:
        fail()
    except ConnectionError:
        logger.exception("order failed")


def shape_e(logger: logging.Logger) -> None:
    logger.info("worker ready")


def shape_f(logger: logging.Logger) -> None:
    logger.info("api_response", extra=API_RESPONSE)


SHAPES: dict[str, Callable[[logging.Logger], None]] = {
    "A authentication failure, 8 fields": shape_a,
    "B api_request, 15 headers": shape_b,
    "C %-message with e-mail and token": shape_c,
    "D exception, 12 frames": shape_d,
    "E short message, no extra": shape_e,
    "F event with nothing secret": shape_f,
}
