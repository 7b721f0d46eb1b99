"""An INI file and a dictConfig that say the same give the same lines."""

from __future__ import annotations

import logging
import logging.config
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

import seclog_handlers as pack
from tests.contract.records import EVENTS
from tests.support import BEARER, KEY, PASSWORD

POLICY = f"""
service = twins
pseudonyms.keys = {KEY}
ip = token
geoip = off
redact.keys = shibboleth
static.environment = test
fields.user_agent = ua
trusted.office.ranges = 192.0.2.0/24
trusted.office.reason = head office
"""
TIME = re.compile(
    r'("timestamp":"|\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|"?(?:incident_id|dedup_key|query)"?[:=](?:"(?:[^"\\\\]|\\\\.)*"|\S+))'
)


def ini(folder: Path, formatter: str) -> None:
    path = folder / "logging.ini"
    path.write_text(
        textwrap.dedent(f"""
        [seclog]
        {{policy}}
        [loggers]
        keys = root, twins
        [handlers]
        keys = secure, escalate, out, alerts
        [formatters]
        keys = line
        [logger_root]
        handlers =
        [logger_twins]
        qualname = twins
        level = INFO
        propagate = 0
        handlers = secure
        [handler_secure]
        class = seclog_handlers.SecurityHandler
        kwargs = {{{{"policy": {str(path)!r}, "targets": ("escalate",)}}}}
        target = out
        [handler_escalate]
        class = seclog_handlers.EscalationHandler
        kwargs = {{{{"policy": {str(path)!r}}}}}
        target = alerts
        [handler_out]
        class = FileHandler
        args = ({str(folder / "out.log")!r},)
        formatter = line
        [handler_alerts]
        class = FileHandler
        args = ({str(folder / "alerts.log")!r},)
        formatter = line
        [formatter_line]
        class = seclog_handlers.{formatter}
        """)
        .replace("{{", "{")
        .replace("}}", "}")
        .replace("{policy}", POLICY)
    )
    logging.config.fileConfig(str(path), disable_existing_loggers=False)


def twin(folder: Path, formatter: str) -> None:
    policy: dict[str, Any] = {
        "service": "twins",
        "pseudonyms": {"keys": [KEY]},
        "ip": "token",
        "geoip": False,
        "redact": {"keys": ["shibboleth"]},
        "static": {"environment": "test"},
        "fields": {"user_agent": "ua"},
        "trusted": {"office": {"ranges": ["192.0.2.0/24"], "reason": "head office"}},
    }
    logging.config.dictConfig({
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"seclog_handlers.{formatter}"}},
        "handlers": {
            "out": {"class": "logging.FileHandler", "filename": str(folder / "out.log"), "formatter": "line"},
            "alerts": {"class": "logging.FileHandler", "filename": str(folder / "alerts.log"), "formatter": "line"},
            "escalate": {"class": "seclog_handlers.EscalationHandler", "policy": policy, "target": "alerts"},
            "secure": {
                "class": "seclog_handlers.SecurityHandler", "policy": policy, "target": "out",
                "targets": ["escalate"],
            },
        },
        "loggers": {"twins": {"handlers": ["secure"], "level": "INFO", "propagate": False}},
    })  # fmt: skip


def story() -> None:
    logger = logging.getLogger("twins")
    for _ in range(6):
        for fields in EVENTS.values():
            logger.info("event for %s with password=%s", "bob.smith", PASSWORD, extra=fields)
    logger.info({"shibboleth": "swordfish", "authorization": f"Bearer {BEARER}"})


@pytest.mark.parametrize("formatter", ["JsonFormatter", "TextFormatter"])
def test_ini_and_dict_config_give_the_same_lines(tmp_path: Path, formatter: str) -> None:
    """Byte for byte, time aside, in the log and in the alerts."""
    written = []
    for configure in (ini, twin):
        folder = tmp_path / configure.__name__
        folder.mkdir()
        configure(folder, formatter)
        story()
        logging.getLogger("twins").handlers[0].flush()
        written.append([TIME.sub("", (folder / name).read_text()) for name in ("out.log", "alerts.log")])

    assert written[0] == written[1]
    assert written[0][0].count("\n") == 6 * len(EVENTS) + 1
    assert "suspicious_authentication_pattern" in written[0][1]
    assert PASSWORD not in written[0][0] + written[0][1]
    assert "swordfish" not in written[0][0]


def test_the_same_errors() -> None:
    """ConfigurationError is what both kinds of configuration raise in the end."""
    with pytest.raises(pack.ConfigurationError, match="unknown key"):
        pack.SecurityHandler(policy={"nonsense": 1})
