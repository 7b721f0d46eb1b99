"""The text of the starter configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Loggers that do not propagate, or carry a handler of their own, with each stack.
_GUNICORN = ("gunicorn.access", "gunicorn.error")
_UVICORN = ("uvicorn", "uvicorn.access")
LOGGERS: dict[str, tuple[str, ...]] = {
    "gunicorn": (*_GUNICORN, *_UVICORN),  # gunicorn's workers may be uvicorn's
    "uvicorn": _UVICORN,
    "django": ("django", "django.server", *_GUNICORN, *_UVICORN),
    "plain": (),
}

_HEAD = """\
# A security log, from this file alone. Written by `seclog init` for: {stack}.
# fileConfig evaluates `args` and `kwargs` as Python: this file is code, so protect it like code.
# Write % as %% there. The section [seclog] is read as it is.

[seclog]
service = {service}
# Tokens stand for users; this key makes them, and who has it can find the user: keep it apart from the log.
pseudonyms.keys = file:{key}
# Behind a proxy, whose X-Forwarded-For counts:
# access_log.trusted_proxies = 10.0.0.0/8

[loggers]
keys = {names}

[handlers]
keys = secure, escalate, out

[formatters]
keys = json

[logger_root]
level = INFO
handlers = secure
"""

_LOGGER = """
[logger_{name}]
qualname = {logger}
level = INFO
handlers = secure
propagate = 0
"""

_HANDLERS = """
# Redacts, pseudonymises, enriches and scores a private copy of each record: `target` writes, `targets` watch.
[handler_secure]
class = seclog_handlers.SecurityHandler
kwargs = {{"policy": {policy}, "targets": ("escalate",)}}
target = out

# Sees attacks. {state_comment}
[handler_escalate]
class = seclog_handlers.EscalationHandler
kwargs = {{"policy": {policy}, "state": {state}}}
target = out

[handler_out]
class = StreamHandler
args = (sys.stdout,)
formatter = json

[formatter_json]
class = seclog_handlers.JsonFormatter
"""

_SHARED = "The workers share what they see through this file; move it where the service may write."
_ALONE = "One process keeps what it sees in this file, over restarts too."


def ini(stack: str, *, service: str, configuration: Path, key: Path, state: Path) -> str:
    """Return the text of a starter INI file.

    Args:
        stack: A key of LOGGERS.
        service: The service's name on every line.
        configuration: The absolute path of the file itself, where its policy is read.
        key: The absolute path of the key file.
        state: The absolute path of the state file.
    """
    loggers = LOGGERS[stack]
    names = [logger.replace(".", "_") for logger in loggers]
    parts = [_HEAD.format(stack=stack, service=service, key=key, names=", ".join(["root", *names]))]
    parts += [_LOGGER.format(name=name, logger=logger) for name, logger in zip(names, loggers, strict=True)]
    parts.append(_HANDLERS.format(
        policy=_literal(str(configuration)),
        state=_literal(f"sqlite:///{state}"),
        state_comment=_ALONE if stack == "plain" else _SHARED,
    ))  # fmt: skip
    return "".join(parts)


def _literal(text: str) -> str:
    """Return a Python literal that survives fileConfig's interpolation."""
    return repr(text).replace("%", "%%")
