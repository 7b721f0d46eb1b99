"""Server access records become events, without a line of code in the application."""

from __future__ import annotations

from seclog_handlers.access.log import DEFAULT_LOGIN_PATHS, AccessLog
from seclog_handlers.access.servers import is_servers

__all__ = ["DEFAULT_LOGIN_PATHS", "AccessLog", "is_servers"]
