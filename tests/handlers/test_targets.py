"""Targets in both kinds of configuration, and the life of a handler that frameworks close and use again."""

from __future__ import annotations

import gc
import logging
import logging.config
import logging.handlers
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import seclog_handlers as pack
from tests.support import KEY, Lines, record

POLICY = {"pseudonyms.keys": [KEY], "geoip": "off"}


def dict_config(tmp_path: Path, **secure: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "seclog_handlers.JsonFormatter"}},
        "handlers": {
            "aside": {
                "class": "logging.FileHandler",
                "filename": str(tmp_path / "aside.log"),
                "delay": True,
                "formatter": "json",
            },
            "out": {
                "class": "logging.FileHandler",
                "filename": str(tmp_path / "out.log"),
                "delay": True,
                "formatter": "json",
            },
            "secure": {
                "class": "seclog_handlers.SecurityHandler",
                "policy": dict(POLICY),
                "target": "out",
                "targets": ["aside"],
                **secure,
            },
        },
        "loggers": {"app": {"handlers": ["secure"], "level": "INFO", "propagate": False}},
    }


def ini(tmp_path: Path, secure: str) -> str:
    path = tmp_path / "logging.ini"
    path.write_text(
        textwrap.dedent(f"""
        [loggers]
        keys = root, app
        [handlers]
        keys = secure, out, aside
        [formatters]
        keys = json
        [logger_root]
        handlers =
        [logger_app]
        qualname = app
        level = INFO
        propagate = 0
        handlers = secure
        [handler_secure]
        class = seclog_handlers.SecurityHandler
        {{secure}}
        [handler_out]
        class = FileHandler
        args = ({str(tmp_path / "out.log")!r}, "a", None, True)
        formatter = json
        [handler_aside]
        class = FileHandler
        args = ({str(tmp_path / "aside.log")!r}, "a", None, True)
        formatter = json
        [formatter_json]
        class = seclog_handlers.JsonFormatter
        """).replace("{secure}", secure)
    )
    return str(path)


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_dict_config_resolves_target_and_targets(tmp_path: Path) -> None:
    """A record reaches the target and every further target of a dictConfig, also after garbage collection."""
    logging.config.dictConfig(dict_config(tmp_path))
    gc.collect()

    logging.getLogger("app").info("hello")

    assert (lines(tmp_path / "out.log"), lines(tmp_path / "aside.log")) == (1, 1)


def test_ini_resolves_target_and_targets(tmp_path: Path) -> None:
    """A record reaches the target and every further target of an INI file, also after garbage collection."""
    secure = f'kwargs = {{"policy": {POLICY!r}, "targets": ("aside",)}}\ntarget = out'
    logging.config.fileConfig(ini(tmp_path, secure), disable_existing_loggers=False)
    gc.collect()

    logging.getLogger("app").info("hello")

    assert (lines(tmp_path / "out.log"), lines(tmp_path / "aside.log")) == (1, 1)


def test_cfg_references_name_targets(tmp_path: Path) -> None:
    """`cfg://handlers.NAME` in targets means that handler."""
    logging.config.dictConfig(dict_config(tmp_path, targets=["cfg://handlers.aside"]))

    logging.getLogger("app").info("hello")

    assert lines(tmp_path / "aside.log") == 1


def test_cfg_reference_gives_the_policy(tmp_path: Path) -> None:
    """A policy may stand elsewhere in the dictConfig."""
    config = dict_config(tmp_path, policy="cfg://seclog")
    config["seclog"] = {**POLICY, "service": "from-cfg"}
    logging.config.dictConfig(config)

    logging.getLogger("app").info("hello")

    assert '"service":"from-cfg"' in (tmp_path / "out.log").read_text()


@pytest.mark.parametrize(
    ("secure", "words"),
    [
        ({"targets": ["nowhere"]}, ["'nowhere'", "aside, out, secure"]),
        ({"targets": ["secure"]}, ["leads back"]),
        ({"targets": "aside"}, ["list of handler names"]),
        ({"targets": [7]}, ["7"]),
        ({"formatter": "json"}, ["put the formatter on its target"]),
        ({"policy": {"servise": "x"}}, ["'servise'", "did you mean 'service'"]),
    ],
)
def test_dict_config_stops_the_start(tmp_path: Path, secure: dict[str, Any], words: list[str]) -> None:
    """A configuration that cannot work is one error that says what was given and the way out."""
    with pytest.raises(ValueError, match="secure") as caught:
        logging.config.dictConfig(dict_config(tmp_path, **secure))

    text = _cause(caught.value)
    for word in words:
        assert word in text


@pytest.mark.parametrize(
    ("secure", "words"),
    [
        ('kwargs = {"targets": ("nowhere",)}\ntarget = out', ["'nowhere'", "aside, out, secure"]),
        ('kwargs = {"targets": ("secure",)}\ntarget = out', ["leads back"]),
        ("target = secure", ["leads back"]),
        ('kwargs = {"targets": ("aside")}\ntarget = out', ['("NAME",)']),
        ('kwargs = {"target": "out"}', ["target = NAME"]),
        ("target = out\nformatter = json", ["put the formatter on its target"]),
    ],
)
def test_ini_stops_the_start(tmp_path: Path, secure: str, words: list[str]) -> None:
    """An INI that cannot work is the same kind of error."""
    with pytest.raises(pack.ConfigurationError) as caught:
        logging.config.fileConfig(ini(tmp_path, secure), disable_existing_loggers=False)

    for word in words:
        assert word in str(caught.value)


def _cause(error: BaseException) -> str:
    while error.__cause__ is not None and not isinstance(error, pack.ConfigurationError):
        error = error.__cause__
    assert isinstance(error, pack.ConfigurationError)
    return str(error)


def test_a_mutual_cycle_is_refused(tmp_path: Path) -> None:
    """Two handlers that target each other would never let a record end."""
    config = dict_config(tmp_path, targets=["other"])
    config["handlers"]["other"] = {
        "class": "seclog_handlers.SecurityHandler", "policy": dict(POLICY), "target": "out", "targets": ["secure"],
    }  # fmt: skip

    with pytest.raises(ValueError) as caught:
        logging.config.dictConfig(config)

    assert "leads back" in _cause(caught.value)


def test_respects_the_level_of_each_target() -> None:
    """A target gets only records that reach its level."""
    low, high = Lines(), Lines()
    high.setLevel(logging.ERROR)
    handler = pack.SecurityHandler(target=low, targets=[high], policy=POLICY)

    handler.handle(record("info"))

    assert (len(low.lines), len(high.lines)) == (1, 0)


def test_a_target_that_raises_stops_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    """The second target writes what the first one could not, and stderr names the first."""

    class Broken(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise OSError("secret reason")

    out = Lines()
    handler = pack.SecurityHandler(target=Broken(), targets=[out], policy=POLICY)

    handler.handle(record("hello"))

    assert len(out.lines) == 1
    assert "Broken" in (text := capsys.readouterr().err)
    assert "secret reason" not in text


def test_without_a_target_lines_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """A forgotten target loses no record."""
    handler = pack.SecurityHandler(policy=POLICY)

    handler.handle(record("hello"))

    assert '"message":"hello"' in capsys.readouterr().err


def test_a_closed_handler_works_on() -> None:
    """A handler that a framework closed at worker boot writes the next record all the same."""
    out = Lines()
    handler = pack.SecurityHandler(target=out, policy=POLICY)
    handler.close()

    handler.handle(record("after"))

    assert [line["message"] for line in out.lines] == ["after"]


def test_flush_reaches_the_target() -> None:
    """Flushing the handler flushes what it writes to."""

    class Counting(Lines):
        flushed = 0

        def flush(self) -> None:
            self.flushed += 1
            super().flush()

    out = Counting()
    handler = pack.SecurityHandler(target=out, policy=POLICY)
    handler.handle(record("hello"))
    before = out.flushed

    handler.flush()

    assert out.flushed == before + 1


def test_shutdown_in_any_order_loses_nothing(tmp_path: Path) -> None:
    """Records logged from atexit functions after logging.shutdown are written too."""
    script = textwrap.dedent(f"""
        import atexit, logging, logging.config, sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        import seclog_handlers
        out = logging.FileHandler({str(tmp_path / "out.log")!r})
        out.setFormatter(seclog_handlers.JsonFormatter())
        handler = seclog_handlers.SecurityHandler(target=out, policy={{"geoip": "off", "pseudonyms.keys": ["{KEY}"]}})
        logging.getLogger().addHandler(handler)
        logging.warning("before")
        logging.shutdown()
        logging.warning("after")
        atexit.register(logging.warning, "at exit")
    """)

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=150)

    assert (done.returncode, done.stderr) == (0, "")
    assert lines(tmp_path / "out.log") == 3


def test_reconfiguration_uses_the_new_targets(tmp_path: Path) -> None:
    """Loading a configuration again replaces the old one without a lost or doubled line."""
    (tmp_path / "new").mkdir()
    logging.config.dictConfig(dict_config(tmp_path))
    logging.getLogger("app").info("one")
    logging.config.dictConfig(dict_config(tmp_path / "new"))

    logging.getLogger("app").info("two")

    assert (lines(tmp_path / "out.log"), lines(tmp_path / "new" / "out.log")) == (1, 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_can_log(tmp_path: Path) -> None:
    """A child forked inside a log call's lock owner writes its own line and goes."""
    logging.config.dictConfig(dict_config(tmp_path))
    logger = logging.getLogger("app")
    logger.info("parent")

    child = os.fork()
    if not child:
        try:
            logger.info("child")
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    assert lines(tmp_path / "out.log") == 2


@pytest.mark.parametrize(
    "settings",
    [
        {"policy": {"redact.patterns": ["("]}}, {"policy": {"access_log.trusted_proxies": "300.0.0.0/8"}}, {"policy": {"ip": "hide"}},
        {"policy": {"trusted.office.ranges": "x"}}, {"policy": {"sampling.x.first": "many"}}, {"policy": {"heartbeat": "often"}},
        {"policy": {"pseudonyms.keys": "short"}}, {"policy": {"risk.travel_kmh": "fast"}}, {"targets": ["nobody"]}, {"targets": 7}, {"target": "nobody"},
        {"level": "LOUD"}, {"formatter": "json"}, {"nothing": 1},
    ],
)  # fmt: skip
def test_a_handler_that_was_refused_leaves_nothing_behind(settings: dict[str, Any]) -> None:
    """After a configuration that stopped the start the right one loads, and logging shuts down without a word."""
    config: dict[str, Any] = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"class": "seclog_handlers.JsonFormatter"}},
        "handlers": {"secure": {"class": "seclog_handlers.SecurityHandler"}},
        "root": {"handlers": ["secure"]},
    }
    wrong = {**config, "handlers": {"secure": {**config["handlers"]["secure"], **settings}}}

    with pytest.raises((ValueError, TypeError)) as refused:
        logging.config.dictConfig(wrong)
    logging.config.dictConfig({**config, "handlers": {"secure": {"class": "logging.NullHandler"}}})
    logging.shutdown()

    assert refused.traceback


def test_a_level_that_logging_does_not_know_is_refused() -> None:
    """In code, where no configuration reads the level, the error says what a level is."""
    with pytest.raises(pack.ConfigurationError, match=r"level='LOUD'.*such as 'INFO'"):
        pack.SecurityHandler(level="LOUD")
    logging.shutdown()
