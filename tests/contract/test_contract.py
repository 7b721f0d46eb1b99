"""The promises that every filter, handler and formatter of the pack keeps, on the same records."""

from __future__ import annotations

import copy
import io
import json
import logging
import logging.handlers
import os
import tempfile
from collections.abc import Callable
from typing import Any

import pytest

import seclog_handlers as pack
from tests.contract.records import RECORDS
from tests.support import KEY, SECRETS, Lines

SPOOL = tempfile.mkdtemp(prefix="seclog-contract-")

FILTERS: dict[str, Callable[[], logging.Filter]] = {
    "AccessLogFilter": pack.AccessLogFilter,
    "EventFilter": pack.EventFilter,
    "RedactionFilter": pack.RedactionFilter,
    "PseudonymFilter": lambda: pack.PseudonymFilter(keys=[KEY]),
    "GeoIPFilter": lambda: pack.GeoIPFilter(ip="token", keys=[KEY]),
    "RiskFilter": pack.RiskFilter,
    "SamplingFilter": lambda: pack.SamplingFilter(rules={"*": {"by": "username"}}),
}
FORMATTERS: dict[str, Callable[[], logging.Formatter]] = {
    "JsonFormatter": pack.JsonFormatter,
    "TextFormatter": pack.TextFormatter,
}
HANDLERS: dict[str, Callable[[logging.Handler], logging.Handler]] = {
    "SecurityHandler": lambda out: pack.SecurityHandler(target=out, policy={"pseudonyms.keys": [KEY]}),
    "EscalationHandler": lambda out: pack.EscalationHandler(target=out, policy={"pseudonyms.keys": [KEY]}),
    "AlertHandler": lambda _: pack.AlertHandler(channels=["http://127.0.0.1:9/"], spool=SPOOL),
    "SharedFileHandler": lambda _: shared_file(),
    "QueueHandler": lambda out: pack.QueueHandler(target=out),
}


def shared_file() -> logging.Handler:
    handler = pack.SharedFileHandler(os.path.join(SPOOL, "shared.log"))
    handler.setFormatter(pack.JsonFormatter())
    return handler


each_record = pytest.mark.parametrize("name", RECORDS)
each_filter = pytest.mark.parametrize("stage", FILTERS)
each_handler = pytest.mark.parametrize("kind", HANDLERS)
each_formatter = pytest.mark.parametrize("kind", FORMATTERS)


def rendered(record: logging.LogRecord) -> str:
    return pack.JsonFormatter().format(copy.copy(record))


def test_every_public_part_is_in_the_contract() -> None:
    """A filter, handler or formatter cannot be published without keeping the contract."""
    public = {
        name
        for name in pack.__all__
        if isinstance(getattr(pack, name), type)
        and issubclass(getattr(pack, name), (logging.Filter, logging.Handler, logging.Formatter))
    }

    assert public == {*FILTERS, *HANDLERS, *FORMATTERS}


@each_filter
@each_record
def test_a_filter_lets_every_record_pass(stage: str, name: str) -> None:
    """No filter raises or drops, whatever the record."""
    assert FILTERS[stage]().filter(RECORDS[name]()) is True


@each_filter
@each_record
def test_a_filter_is_idempotent(stage: str, name: str) -> None:
    """A second pass of the same filter changes nothing of the line."""
    record, stage_filter = RECORDS[name](), FILTERS[stage]()
    stage_filter.filter(record)
    once = rendered(record)

    stage_filter.filter(record)

    assert rendered(record) == once


@each_filter
@each_record
def test_a_filter_leaves_the_callers_objects_alone(stage: str, name: str) -> None:
    """Containers that the application passed are the same, with the same contents, afterwards."""
    record = RECORDS[name]()
    containers = _containers(record)
    before = [_snapshot(item) for item in containers]

    FILTERS[stage]().filter(record)

    assert [_snapshot(item) for item in containers] == before


@each_handler
@each_record
def test_a_handler_never_raises(kind: str, name: str) -> None:
    """Whatever is logged, the application sees no exception."""
    handler = HANDLERS[kind](Lines())

    handler.handle(RECORDS[name]())

    handler.close()


@each_handler
@each_record
def test_a_handler_leaves_the_record_alone(kind: str, name: str) -> None:
    """Another handler of the same logger sees the record that the application made."""
    record = RECORDS[name]()
    before = {key: id(value) for key, value in record.__dict__.items()}
    containers = _containers(record)
    contents = [_snapshot(item) for item in containers]
    handler = HANDLERS[kind](Lines())

    handler.handle(record)
    handler.close()

    assert {key: id(value) for key, value in record.__dict__.items()} == before
    assert [_snapshot(item) for item in containers] == contents


@each_record
@each_formatter
def test_one_record_is_one_line_without_a_secret(name: str, kind: str) -> None:
    """Through the pipeline every record is exactly one valid line, and none of its secrets is in it."""
    out = Lines(FORMATTERS[kind]())
    handler = HANDLERS["SecurityHandler"](out)

    handler.handle(RECORDS[name]())

    assert len(out.text.splitlines()) == 1
    assert out.text.endswith("\n")
    for secret in SECRETS:
        assert secret not in out.text


@each_record
@each_formatter
def test_a_formatter_alone_gives_one_line(kind: str, name: str) -> None:
    """Without any filter in front, a formatter still gives one valid line for every record."""
    line = FORMATTERS[kind]().format(RECORDS[name]())

    assert len(line.splitlines()) == 1
    if kind == "JsonFormatter":
        parsed = json.loads(line, object_pairs_hook=_no_duplicates, parse_constant=_no_constants)
        assert list(parsed)[:4] == ["timestamp", "level", "logger", "message"]


@each_record
def test_nothing_secret_reaches_stderr(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """What goes wrong inside is reported without a word of the record."""
    handler = HANDLERS["SecurityHandler"](logging.StreamHandler(io.StringIO()))

    handler.handle(RECORDS[name]())

    captured = capfd.readouterr()
    for secret in SECRETS:
        assert secret not in captured.err + captured.out


def _containers(record: logging.LogRecord) -> list[Any]:
    found: list[Any] = []
    waiting = [record.msg, record.args, *record.__dict__.values()]
    while waiting and len(found) < 500:
        value = waiting.pop()
        if type(value) in (dict, list) and not any(value is item for item in found):
            found.append(value)
            waiting += value.values() if type(value) is dict else value
    return found


def _snapshot(value: Any) -> Any:
    if type(value) is dict:
        return [(key, id(item)) for key, item in value.items()]
    return [id(item) for item in value]


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({key for key, _ in pairs}) == len(pairs)
    return dict(pairs)


def _no_constants(constant: str) -> Any:
    raise AssertionError(constant)
