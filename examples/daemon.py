"""A program without a framework: its configuration is the only line about the security log.

python daemon.py logging.ini
"""

from __future__ import annotations

import logging.config
import sys

from seclog_handlers import request_context

logging.config.fileConfig(sys.argv[1], disable_existing_loggers=False)
log = logging.getLogger("daemon")


def failed_login(user: str, address: str) -> None:
    """Log a failed login as an event."""
    event = {"event_type": "authentication", "username": user, "success": False, "ip_address": address}
    log.warning("login failed for %s", user, extra=event)


for _ in range(5):
    failed_login("bob", "203.0.113.7")
with request_context(log, {"method": "GET", "path": "/jobs", "ip_address": "203.0.113.7"}) as request:
    log.info("working")
    request.response_size = 17
