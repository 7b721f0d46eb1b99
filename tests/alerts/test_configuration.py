"""What an AlertHandler may be given, from an INI and from a dictionary, and what it refuses."""

from __future__ import annotations

import logging
import logging.config
from pathlib import Path
from typing import Any

import pytest

from seclog_handlers.errors import ConfigurationError
from seclog_handlers.handlers.alerts import AlertHandler
from seclog_handlers.handlers.alerts.channels import open_channels
from tests.alerts.records import alert
from tests.alerts.servers import closed_port, serving, until

SECRET = "hunt" + "er2-token"
HOOK = f"https://hooks.example.com/{SECRET}"

INI = """
[loggers]
keys = root
[handlers]
keys = pager
[formatters]
keys =
[logger_root]
level = INFO
handlers = pager
[handler_pager]
class = {module}.AlertHandler
kwargs = {{"channels": ("env:SECLOG_WEBHOOK",), "spool": {spool!r}, "group_wait": 0.05}}
"""


@pytest.fixture(autouse=True)
def _root_logger(monkeypatch: pytest.MonkeyPatch):
    """Leave the root logger as it was."""
    before = logging.root.handlers[:]
    yield
    for one in logging.root.handlers[:]:
        if one not in before:
            logging.root.removeHandler(one)
            one.close()
    logging.root.handlers[:] = before


def test_an_ini_configures_it(spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An INI read by fileConfig makes a working handler from kwargs, with the channel's address in the environment."""
    with serving() as server:
        monkeypatch.setenv("SECLOG_WEBHOOK", server.url)
        (tmp_path / "logging.ini").write_text(INI.format(module=AlertHandler.__module__, spool=str(spool)))
        logging.config.fileConfig(tmp_path / "logging.ini", disable_existing_loggers=False)
        logging.root.handle(alert())

        assert until(lambda: server.incidents()) == [("inc-1", "firing")]


def test_a_dictionary_configures_it(spool: Path):
    """A dictionary read by dictConfig makes a working handler; `cfg://` and nested mappings are resolved."""
    with serving() as server:
        logging.config.dictConfig({
            "version": 1,
            "disable_existing_loggers": False,
            "hook": {"address": server.url},
            "handlers": {"pager": {
                "class": f"{AlertHandler.__module__}.AlertHandler",
                "channels": [{"url": "cfg://hook.address", "min_severity": "high"}],
                "spool": str(spool), "group_wait": 0.05}},
            "root": {"handlers": ["pager"]},
        })  # fmt: skip
        logging.root.handle(alert())

        assert until(lambda: server.incidents()) == [("inc-1", "firing")]


def test_a_reconfiguration_keeps_what_waits(spool: Path):
    """A second configuration with the same spool goes on with the alerts that the first could not deliver."""

    def configure(url: str) -> None:
        logging.config.dictConfig({
            "version": 1, "disable_existing_loggers": False,
            "handlers": {"pager": {"class": f"{AlertHandler.__module__}.AlertHandler", "channels": [url],
                                   "spool": str(spool), "group_wait": 0.05, "drain_timeout": 0.1}},
            "root": {"handlers": ["pager"]}})  # fmt: skip

    with serving() as server:
        configure(f"http://127.0.0.1:{closed_port()}/")
        logging.root.handle(alert(1))
        configure(server.url)
        logging.root.handle(alert(2))

        until(lambda: len(server.incidents()) > 1)
        assert {incident for incident, _ in server.incidents()} == {"inc-1", "inc-2"}


@pytest.mark.parametrize(("given", "said"), [
    ((), "needs channels"),
    ("", "needs channels"),
    ([None], "needs channels"),
    (["env:SECLOG_NOT_SET_ANYWHERE"], "SECLOG_NOT_SET_ANYWHERE"),
    (["file:/nonexistent/seclog"], "cannot be read"),
    (["hooks.example.com/" + SECRET], "has no scheme"),
    ([f"http://hooks.example.com/{SECRET}"], "plain http:// to 'hooks.example.com'"),
    ([f"slack+http://hooks.example.com/{SECRET}"], "plain http:// to 'hooks.example.com'"),
    ([f"https:///{SECRET}"], "names no host"),
    ([f"https://hooks.example.com:99999/{SECRET}"], "not a valid URL"),
    ([f"https://hooks.example.com/{SECRET}\nHost: x"], "not a valid URL"),
    ([f"gopher+x://h/{SECRET}"], "apprise"),
    (["pagerduty://"], "no routing key"),
    ([f"smtp://bob:{SECRET}@mail.example.com/"], "names nobody"),
    ([f"smtp://bob:{SECRET}@mail.example.com/?to=a@example.com&starttls=off"], "password in clear"),
    ([f"smtp://bob:{SECRET}@mail.example.com/?to=a@example.com&starttls=perhaps"], "'on' or 'off'"),
    (["smtp://mail.example.com/?to=a%0d%0aBcc:b@example.com"], "no mail address"),
    (["smtp://mail.example.com/?cc=a@example.com"], "wrong form"),
    ([{"url": HOOK, "keys": SECRET}], "it has keys"),
    ([{"key": SECRET}], "must be a URL or a mapping"),
    ([{"url": HOOK, "min_severity": "urgent"}], "one of low, medium, high, critical"),
    ([{"url": HOOK, "timeout": 0}], "channels[0].timeout"),
    ([{"url": HOOK, "resolve_wait": -1}], "channels[0].resolve_wait"),
    ([HOOK, HOOK], "twice"),
])  # fmt: skip
def test_channels_that_cannot_work_are_refused(given: Any, said: str):
    """A channel that cannot work stops the start with a sentence that says why, and shows no secret."""
    with pytest.raises(ConfigurationError) as caught:
        AlertHandler(given)

    assert said.lower() in str(caught.value).lower()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("options", [
    {"min_severity": "loud"}, {"group_wait": -1}, {"group_interval": "soon"}, {"repeat_interval": 0}, {"max_age": 0},
    {"drain_timeout": None}, {"per_minute": 0}, {"spool": 7}, {"spool": ""}, {"spool": "a\0b"}, {"spool": __file__},
    {"heartbeat_url": "http://example.com/ping"}, {"heartbeat_interval": 0}, {"fsync": "perhaps"},
    {"resolve_wait": "never"},
])  # fmt: skip
def test_options_that_cannot_work_are_refused(options: dict[str, Any]):
    """A number, word or path that cannot work is refused at the start."""
    with pytest.raises(ConfigurationError):
        AlertHandler([HOOK], **options)


def test_machines_hear_of_each_end_and_people_with_the_next_news():
    """`resolve_wait` is what is usual for the kind of channel, unless the handler or the channel says otherwise."""
    urls = [HOOK, "pagerduty://KEY", "slack://T/B/X", "smtp://127.0.0.1/?to=a@example.com"]
    usual = [channel.resolve_wait for channel in open_channels(urls, "HIGH", 20)]
    given = open_channels([*urls[:2], {"url": urls[2], "resolve_wait": 60}], "HIGH", 20, 0)

    assert usual == [0, 0, 172_800, 172_800]
    assert [channel.resolve_wait for channel in given] == [0, 0, 60]


def test_a_formatter_is_refused(spool: Path):
    """Channels have their own form: a formatter would silently do nothing."""
    handler = AlertHandler([HOOK], spool)

    with pytest.raises(ConfigurationError, match="takes no formatter"):
        handler.setFormatter(logging.Formatter())
    handler.setFormatter(None)


@pytest.mark.parametrize(("url", "name"), [
    (HOOK, "webhook:hooks.example.com"),
    (f"slack://T000/B000/{SECRET}", "slack:hooks.slack.com"),
    (f"https://hooks.slack.com/services/T000/B000/{SECRET}", "slack:hooks.slack.com"),
    (f"slack+https://chat.example.com/hooks/{SECRET}", "slack:chat.example.com"),
    (f"pagerduty://{SECRET}", "pagerduty:events.pagerduty.com"),
    (f"pagerduty+https://{SECRET}@events.eu.pagerduty.com", "pagerduty:events.eu.pagerduty.com"),
    (f"smtps://bob:{SECRET}@mail.example.com/?to=a@example.com", "smtps:mail.example.com"),
])  # fmt: skip
def test_names_of_channels_hold_no_secret(url: str, name: str):
    """A channel is called by kind and host; a digest tells two on one host apart."""
    (channel,) = open_channels(url, "HIGH", 20)

    assert channel.name.partition("#")[0] == name
    assert SECRET not in channel.name


def test_a_routing_key_may_stand_beside_the_url(monkeypatch: pytest.MonkeyPatch):
    """PagerDuty's key can be a reference of its own."""
    monkeypatch.setenv("PD_KEY", SECRET)
    (channel,) = open_channels([{"url": "pagerduty://", "key": "env:PD_KEY"}], "HIGH", 20)

    assert channel.options.key == SECRET


def test_two_rooms_of_one_server_are_two_channels():
    """Addresses that differ in their secret part only are told apart."""
    first, second = open_channels(["slack://T/B/one", "slack://T/B/two"], "HIGH", 20)

    assert first.name != second.name
