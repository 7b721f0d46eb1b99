"""Loading a configuration as the server named by --server would, without touching the user's files."""

from __future__ import annotations

import errno
import importlib
import logging
import logging.config
import os
import sys
from typing import TYPE_CHECKING, Any

from seclog_handlers.cli import check_ini

if TYPE_CHECKING:
    from seclog_handlers.cli.check_source import Source


def protect_files() -> None:
    """Let no FileHandler of this process open its file: mode 'w' would empty the user's log."""
    logging.FileHandler._open = _open_nothing  # type: ignore[assignment,method-assign]  # noqa: SLF001


def keep_handlers() -> None:
    """Keep the handlers that nothing refers to: they would be gone before anybody could say that they are unused."""
    logging._handlers = {}  # type: ignore[attr-defined]  # noqa: SLF001


def _open_nothing(handler: logging.FileHandler) -> Any:
    path = handler.baseFilename
    folder = os.path.dirname(path)  # noqa: PTH120 - as logging does
    if not os.path.isdir(folder):  # noqa: PTH112
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    if not os.access(path if os.path.exists(path) else folder, os.W_OK):  # noqa: PTH110
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - the handler closes it


def prepare(server: str | None, source: Source) -> None:
    """Put logging into the state in which the server would load the configuration."""
    if server == "gunicorn":
        _gunicorn()
    elif server == "uvicorn" and source.path is None:
        # A mapping is the application's own; a file would go to --log-config, which replaces these.
        logging.config.dictConfig(importlib.import_module("uvicorn.config").LOGGING_CONFIG)
    elif server == "django" or _is_settings(source):
        _django(source)


def _gunicorn() -> None:
    for name in ("gunicorn.access", "gunicorn.error"):
        logging.getLogger(name).propagate = False
    logging.getLogger("gunicorn.error").addHandler(logging.StreamHandler())


def _is_settings(source: Source) -> bool:
    module = sys.modules.get(source.label.partition(":")[0])
    return source.path is None and hasattr(module, "INSTALLED_APPS")


def _django(source: Source) -> None:
    if _is_settings(source):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", source.label.partition(":")[0])
    settings = importlib.import_module("django.conf").settings
    if "DJANGO_SETTINGS_MODULE" not in os.environ and not settings.configured:
        settings.configure()
    logging.config.dictConfig(importlib.import_module("django.utils.log").DEFAULT_LOGGING)


def load(server: str | None, source: Source) -> None:
    """Load the configuration; whatever is wrong with it comes out as an exception."""
    if source.mapping is not None:
        given = source.mapping
        if server == "gunicorn":
            given = {**importlib.import_module("gunicorn.glogging").CONFIG_DEFAULTS, **given}
        logging.config.dictConfig(given)
        return
    defaults: dict[str, str] = {}
    if source.path is not None and source.ini is not None and check_ini.uses_here(source.ini):
        folder = os.path.dirname(source.path)  # noqa: PTH120 - as gunicorn writes it
        defaults = {"here": folder or ".", "__file__": str(source.path)}
    logging.config.fileConfig(str(source.path), defaults=defaults, disable_existing_loggers=False)


def reasons(error: BaseException) -> str:
    """Return what an exception and its causes say, the innermost last: dictConfig hides the real one."""
    texts: list[str] = []
    current: BaseException | None = error
    while current is not None:
        text = str(current) or "no text"
        named = text if isinstance(current, ValueError) else f"{type(current).__name__}: {text}"
        if named not in texts:
            texts.append(named)
        current = current.__cause__
    return " Because: ".join(text if text.endswith(".") else text + "." for text in texts)
