"""Who is compared: each sets up its logging into one file, and says how it logs the shapes.

Every contender writes JSON (stdlib text aside) to a file that is flushed for each record, in the set-up that its
own documentation recommends. A contender whose package is not installed is left out of the comparison, by name.
"""

from __future__ import annotations

import hashlib
import logging
import logging.config
import logging.handlers
import re
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import shapes

Shape = Callable[[], None]
FMT = "%(asctime)s %(levelname)s %(name)s %(message)s"
FRESH = "A with every user, address and session new"
ANSWERS = "F with ids and times that differ, 50 endpoints"


class Calls(dict[str, Any]):
    """Letter of a shape -> what logs it once; `fresh` logs one set of fields of shape A, `answers` of shape F."""


def of_logger(logger: logging.Logger) -> Calls:
    """Return the log calls of whoever plugs into stdlib logging."""
    calls = Calls({title[0]: partial(shape, logger) for title, shape in shapes.SHAPES.items()})
    calls["fresh"] = lambda fields: logger.warning("login failed", extra=fields)
    calls["answers"] = lambda fields: logger.info("api_response", extra=fields)
    return calls


def of_file(path: str, formatter: logging.Formatter, *filters: logging.Filter) -> Calls:
    handler = logging.FileHandler(path)
    handler.setFormatter(formatter)
    for each in filters:
        handler.addFilter(each)
    return of_logger(_alone(handler))


def _alone(handler: logging.Handler) -> logging.Logger:
    logger = logging.getLogger("benchmark")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.handlers[:] = [handler]
    return logger


def stdlib_text(path: str, _database: str) -> Calls:
    return of_file(path, logging.Formatter(FMT))


def python_json_logger(path: str, _database: str) -> Calls:
    from pythonjsonlogger.json import JsonFormatter

    return of_file(path, JsonFormatter(FMT))


def python_json_logger_orjson(path: str, _database: str) -> Calls:
    from pythonjsonlogger.orjson import OrjsonFormatter

    return of_file(path, OrjsonFormatter(FMT))


def configuration(path: str, database: str = "", **policy: Any) -> dict[str, Any]:
    """Return the dictConfig of the whole pipeline: every stage, the built-in pack, JSON."""
    shared = {"service": "benchmark", "pseudonyms.keys": "k1:" + "0" * 32, **policy}
    if database:
        shared["geoip.database"] = database
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "seclog_handlers.JsonFormatter"}},
        "handlers": {
            "out": {"class": "logging.FileHandler", "filename": path, "formatter": "json"},
            "alerts": {"class": "logging.FileHandler", "filename": path + ".alerts", "formatter": "json"},
            "escalate": {"class": "seclog_handlers.EscalationHandler", "policy": shared, "target": "alerts"},
            "secure": {
                "class": "seclog_handlers.SecurityHandler",
                "policy": shared,
                "target": "out",
                "targets": ["escalate"],
            },
        },
        "loggers": {"benchmark": {"handlers": ["secure"], "level": "INFO", "propagate": False}},
    }


def seclog(path: str, database: str) -> Calls:
    logging.config.dictConfig(configuration(path, database))
    return of_logger(logging.getLogger("benchmark"))


def seclog_without_orjson(path: str, database: str) -> Calls:
    import sys

    sys.modules["orjson"] = None  # type: ignore[assignment]  # as if it were not installed
    return seclog(path, database)


def ecs_logging(path: str, _database: str) -> Calls:
    import ecs_logging

    return of_file(path, ecs_logging.StdlibFormatter())


def loggingredactor(path: str, _database: str) -> Calls:
    from loggingredactor import RedactingFilter
    from pythonjsonlogger.json import JsonFormatter

    patterns = [
        re.compile(r"(?<=Bearer )[\w.-]+"),
        re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{1,63}"),
        re.compile(r"(?<=://)[^\s:@/]+:[^\s@/]+(?=@)"),
    ]
    keys = {"password", "authorization", "Authorization", "cookie", "Cookie", "api_key", "token", "secret"}
    return of_file(path, JsonFormatter(FMT), RedactingFilter(patterns, mask_keys=keys))


def hushlog(path: str, _database: str) -> Calls:
    from hushlog import Config, PatternRegistry, RedactingJsonFormatter

    return of_file(path, RedactingJsonFormatter(PatternRegistry.from_config(Config())))


def maskerlogger(path: str, _database: str) -> Calls:
    from maskerlogger import MaskerFormatterJson

    return of_file(path, MaskerFormatterJson(FMT))


def logfire(path: str, _database: str) -> Calls:
    import logfire
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

    out = Path(path).open("w")  # noqa: SIM115 - as long as the process
    processor = SimpleSpanProcessor(
        ConsoleSpanExporter(out=out, formatter=lambda span: span.to_json(indent=None) + "\n")
    )
    logfire.configure(send_to_logfire=False, console=False, additional_span_processors=[processor], metrics=False)
    return of_logger(_alone(logfire.LogfireLoggingHandler()))


class _Calls:
    """The shapes for loggers that take fields as keywords."""

    def __init__(self, log: Any, error: Callable[[str], None], positional: Callable[..., None]) -> None:
        self._log, self._error, self._positional = log, error, positional

    def calls(self) -> Calls:
        return Calls(
            A=lambda: self._log.warning("login failed", **shapes.AUTHENTICATION),
            B=lambda: self._log.info("api_request", **shapes.API_REQUEST),
            C=lambda: self._positional(shapes.CONFIRMED, *shapes.CONFIRMATION),
            D=self._exception,
            E=lambda: self._log.info("worker ready"),
            F=lambda: self._log.info("api_response", **shapes.API_RESPONSE),
            fresh=lambda fields: self._log.warning("login failed", **fields),
        )

    def _exception(self) -> None:
        try:
            shapes.fail()
        except ConnectionError:
            self._error("order failed")


def _structlog(path: str, *more: Any) -> Any:
    import structlog

    structlog.configure(
        processors=[
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *more,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.WriteLoggerFactory(file=Path(path).open("w")),  # noqa: SIM115 - as long as the process
        cache_logger_on_first_use=True,
    )
    return structlog.get_logger()


def structlog(path: str, _database: str) -> Calls:
    log = _structlog(path)
    return _Calls(log, log.exception, log.info).calls()


def loguru(path: str, _database: str) -> Calls:
    from loguru import logger

    logger.remove()
    logger.add(path, serialize=True, format="{message}")

    class Bound:
        @staticmethod
        def warning(message: str, **fields: Any) -> None:
            logger.bind(**fields).warning(message)

        @staticmethod
        def info(message: str, **fields: Any) -> None:
            logger.bind(**fields).info(message)

    return _Calls(Bound, logger.exception, lambda message, *args: logger.info(message % args)).calls()


SENSITIVE = ("password", "token", "secret", "key", "authorization", "cookie", "credential")


class SecurityLogger:
    """What teams write by hand on structlog: sha256, keys by substring, the address looked up for each event."""

    def __init__(self, log: Any, database: str, service: str = "benchmark") -> None:
        self._log = log
        self._service = service
        self._reader: Any = None
        if database:
            from geoip2.database import Reader

            self._reader = Reader(database)

    def _hash(self, value: Any) -> str | None:
        return hashlib.sha256(f"{value}{self._service}".encode()).hexdigest()[:16] if value else None

    def _sanitize(self, data: dict[str, Any]) -> dict[str, Any]:
        return {
            key: "[REDACTED]" if any(word in key.lower() for word in SENSITIVE) else value
            for key, value in data.items()
        }  # fmt: skip

    def _location(self, address: str) -> dict[str, Any] | None:
        if self._reader is None:
            return None
        try:
            found = self._reader.city(address)
        except Exception:
            return None
        return {
            "country": found.country.iso_code,
            "city": found.city.name,
            "latitude": found.location.latitude,
            "longitude": found.location.longitude,
        }

    def _risk(self, username: str, address: str, success: bool, agent: str) -> int:
        score = 0 if success else 30
        if username in {"root", "admin", "administrator"}:
            score += 20
        if any(word in agent.lower() for word in ("bot", "curl", "python", "scanner")):
            score += 20
        return min(100, score + (0 if address.startswith(("10.", "192.168.")) else 10))

    def log_authentication_attempt(
        self, username: str, auth_method: str, success: bool, ip_address: str, user_agent: str,
        failure_reason: str | None = None, additional_context: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        event = {
            "event_type": "authentication",
            "username": self._hash(username),
            "auth_method": auth_method,
            "success": success,
            "ip_address": ip_address,
            "user_agent": user_agent,
            "geo_location": self._location(ip_address),
            "failure_reason": failure_reason,
            "risk_score": self._risk(username, ip_address, success, user_agent),
            "context": self._sanitize(additional_context or {}),
        }
        if success:
            self._log.info("authentication_success", **event)
        else:
            self._log.warning("authentication_failure", **event)

    def log_authorization_check(
        self, user_id: Any, resource: str, action: str, granted: bool, required: list[str], held: list[str],
        request: dict[str, Any],
    ) -> None:  # fmt: skip
        event = {
            "event_type": "authorization", "user_id": self._hash(user_id), "resource": resource, "action": action,
            "granted": granted, "missing_permissions": sorted(set(required) - set(held)), **self._sanitize(request),
        }  # fmt: skip
        (self._log.info if granted else self._log.warning)("authorization", **event)

    def log_api_request(self, data: dict[str, Any]) -> None:
        headers = data.get("headers", {})
        event = {
            "event_type": "api_request",
            "request_id": data.get("request_id"),
            "method": data.get("method"),
            "path": data.get("path"),
            "query_params": self._sanitize(data.get("query_params", {})),
            "user_id": self._hash(data.get("user_id")),
            "ip_address": data.get("ip_address"),
            "user_agent": data.get("user_agent"),
            "api_version": data.get("api_version"),
            "request_size": data.get("request_size"),
            "security_headers": self._sanitize(headers),
        }
        self._log.info("api_request", **event)

    def log_api_response(self, data: dict[str, Any]) -> None:
        event = {key: data.get(key) for key in ("request_id", "status_code", "response_time_ms", "response_size")}
        if data["status_code"] >= 400:
            event["error_details"] = data.get("error_details")
        if data["status_code"] >= 500:
            event["stack_trace"] = data.get("stack_trace")
        self._log.info("api_response", event_type="api_response", **event)

    def log_security_event(
        self, event_type: str, severity: str, details: dict[str, Any], user_id: Any = None, ip: str | None = None,
    ) -> None:  # fmt: skip
        event = {
            "severity": severity,
            "details": self._sanitize(details),
            "user_id": self._hash(user_id),
            "ip_address": ip,
        }
        self._log.warning(f"security_event_{event_type}", event_type=f"security_{event_type}", **event)

    def log_rate_limit_violation(
        self, user_id: Any, ip_address: str, endpoint: str, kind: str, limit: int, current: int,
    ) -> None:  # fmt: skip
        self._log.warning(
            "rate_limit_exceeded", event_type="rate_limit_violation", user_id=self._hash(user_id),
            ip_address=ip_address, endpoint=endpoint, limit_type=kind, limit_value=limit, current_value=current,
            excess=current - limit,
        )  # fmt: skip


def hand_written(path: str, database: str) -> Calls:
    log = _structlog(path)
    security = SecurityLogger(log, database)

    def login(fields: dict[str, Any] = shapes.AUTHENTICATION) -> None:
        security.log_authentication_attempt(
            fields["username"], fields["auth_method"], fields["success"], fields["ip_address"], fields["user_agent"],
            fields["failure_reason"], {"session_id": fields["session_id"]},
        )  # fmt: skip

    calls = _Calls(log, log.exception, log.info).calls()
    calls["A"], calls["fresh"] = login, login
    calls["B"] = lambda: security.log_api_request(shapes.API_REQUEST)
    calls["F"] = lambda: security.log_api_response(shapes.API_RESPONSE)
    return calls


# The one that all others are compared with comes first, ours second.
BASE, OURS = "python-json-logger JsonFormatter", "seclog_handlers, whole pipeline"
CONTENDERS: dict[str, Callable[[str, str], Calls]] = {
    BASE: python_json_logger,
    OURS: seclog,
    "seclog_handlers without orjson": seclog_without_orjson,
    "stdlib text": stdlib_text,
    "python-json-logger OrjsonFormatter": python_json_logger_orjson,
    "structlog JSON": structlog,
    "loguru serialize": loguru,
    "ecs-logging": ecs_logging,
    "logfire (scrubbing on, spans to a file)": logfire,
    "loggingredactor": loggingredactor,
    "hushlog": hushlog,
    "maskerlogger": maskerlogger,
    "hand-written SecurityLogger on structlog": hand_written,
}


# What logs other values each time -> what makes them, of a number.
MADE: dict[str, Callable[[int], dict[str, Any]]] = {"fresh": shapes.fresh_login, "answers": shapes.answer}


def main() -> None:
    """Be one contender in a process of its own: a line in (`A 300`), a line out (CPU microseconds per call).

    CPU time is the process's own, what other programs do on the machine aside.
    """
    import sys
    import time

    name, folder, database = sys.argv[1:4]
    warnings.simplefilter("ignore")
    calls = CONTENDERS[name](str(Path(folder) / "log"), database)
    print("ready", flush=True)
    number = 0
    for line in sys.stdin:
        letter, count = line.split()[0], int(line.split()[1])
        if letter in MADE:
            fields = [MADE[letter](number + each) for each in range(count)]
            number += count
            log = calls[letter]
            start = time.process_time()
            for each in fields:
                log(each)
        else:
            log = calls[letter]
            start = time.process_time()
            for _ in range(count):
                log()
        print((time.process_time() - start) / count * 1e6, flush=True)


if __name__ == "__main__":
    main()
