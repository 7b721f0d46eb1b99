"""What each part of enrichment costs, beside its limit, and how much the risk model remembers a user with.

Run it: python benchmarks/enrichment.py [--rounds 15]

Processor time, medians over rounds; the contenders of one row alternate, so that a machine whose speed drifts slows both alike.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
import time
import traceback
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from databases import city_database as database
from shapes import API_REQUEST, AUTHENTICATION, USER_AGENT

from seclog_handlers import GeoIPFilter, RiskFilter
from seclog_handlers._record import ensure_mark
from seclog_handlers.enrichment.geo import GeoLocator
from seclog_handlers.enrichment.headers import security_headers
from seclog_handlers.enrichment.risk import RiskModel
from seclog_handlers.enrichment.stack import format_exception

NOW = 1_800_000_000.0
PLACE = {"country": "DE", "asn": 64500, "latitude": 52.5, "longitude": 13.4, "accuracy_radius_km": 10}
LOGIN: dict[str, Any] = {
    "event_type": "authentication", "username": "usr_k1_0f1e2d3c4b5a69788796a5b4c3d2e1f0", "success": True,
    "ip_address": "203.0.113.77", "user_agent": USER_AGENT, "geo_location": PLACE,
}  # fmt: skip
CALLS = 2000
USERS = 10_000


def per_call(call: Callable[[Any], object], values: list[Any]) -> float:
    start = time.process_time()
    for value in values:
        call(value)
    return (time.process_time() - start) / len(values) * 1e6


def compare(rounds: int, values: Callable[[], list[Any]], *calls: Callable[[Any], object]) -> list[float]:
    samples: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds + 1):
        given = values()
        for call, times in zip(calls, samples, strict=True):
            times.append(per_call(call, given))
    return [statistics.median(times[1:]) for times in samples]


def addresses() -> Iterator[list[str]]:
    for block in count():
        yield [f"{block % 150 + 40}.{block // 150 % 100}.{n >> 8}.{n & 255}" for n in range(CALLS)]


def geo(rounds: int, folder: str) -> None:
    import maxminddb

    path = database(folder)
    reader, locator, batches = maxminddb.open_database(path), GeoLocator(path), addresses()
    raw, first, again = compare(rounds, lambda: next(batches), reader.get, locator.locate, locator.locate)
    row(f"geo, uncached (maxminddb.get() {raw:.1f})", first, "1.3 x get()", f"{first / raw:.2f} x")
    row("geo, cached", again, "0.5 us", "")


def risk(rounds: int) -> None:
    model, number, when = RiskModel(), count(), count()
    new = lambda: [  # noqa: E731
        {**LOGIN, "username": f"usr_{n}", "ip_address": f"ip_{n}", "user_agent": f"{USER_AGENT} {n}"}
        for n in (next(number) for _ in range(CALLS))
    ]
    score = lambda event: model.score(event, NOW + next(when))  # noqa: E731
    first, again = compare(rounds, new, score, score)
    row("risk, first-seen login", first, "30,000/s", f"{1e6 / first:,.0f}/s")
    one = RiskModel()
    [repeated] = compare(rounds, lambda: [LOGIN] * CALLS, lambda event: one.score(event, NOW))
    row("risk, repeated login of one user", repeated, "300,000/s", f"{1e6 / repeated:,.0f}/s")
    row("risk, second login of each user", again, "300,000/s", f"{1e6 / again:,.0f}/s")
    failing = {**LOGIN, "success": False}
    [failed] = compare(rounds, lambda: [failing] * CALLS, lambda event: one.score(event, NOW))
    row("risk, repeated failure", failed, "", f"{1e6 / failed:,.0f}/s")


def shared(rounds: int, folder: str) -> None:
    """An event through RiskFilter, with what is learnt in a file that processes share."""
    stages = [RiskFilter(), RiskFilter(state=f"sqlite:///{folder}/state.db", keys="k1:" + "0" * 32)]

    def through(stage: logging.Filter) -> Callable[[Any], object]:
        return lambda number: stage.filter(logging.makeLogRecord({**LOGIN, "created": NOW + number}))

    numbers = count()
    alone, told = compare(rounds, lambda: [next(numbers) for _ in range(200)], *map(through, stages))
    row("risk, a file that processes share", told - alone, "", "")
    stages[1].close()


def memory() -> None:
    tracemalloc.start()
    model, before = RiskModel(), tracemalloc.get_traced_memory()[0]
    for n in range(USERS):
        model.score({**LOGIN, "username": f"usr_k1_{n:032x}", "ip_address": f"203.{n >> 8}.{n & 255}.7"}, NOW)
    grown = (tracemalloc.get_traced_memory()[0] - before) / USERS
    tracemalloc.stop()
    print(f"{'risk, memory of a user with an own address':46} {grown:9.0f} B   limit 500 B")


def others(rounds: int) -> None:
    [headers] = compare(rounds, lambda: [API_REQUEST["headers"]] * 500, security_headers)
    row("security_headers, 15 headers", headers, "", "")
    errors: list[Any] = [failure(11)] * 100
    ours, stdlib = compare(rounds, lambda: errors, format_exception, traceback.format_exception)
    row(f"exception, 12 frames (stdlib {stdlib:.0f})", ours, "0.15 x stdlib", f"{ours / stdlib:.3f} x")


def failure(depth: int) -> BaseException | None:
    def fail(deeper: int) -> None:
        if deeper:
            fail(deeper - 1)
        raise ConnectionError("cannot reach the database")

    try:
        fail(depth)
    except ConnectionError as error:
        return error
    return None


def stages(rounds: int, folder: str) -> None:
    """The two filters on a marked record of shape A, made anew for each call, less the price of making it."""
    fields = {"name": "app", **AUTHENTICATION, "username": LOGIN["username"]}

    def through(*filters: logging.Filter) -> Callable[[Any], None]:
        def call(_: Any) -> None:
            record = logging.makeLogRecord(fields)
            ensure_mark(record)
            for stage in filters:
                stage.filter(record)

        return call

    located, scored = GeoIPFilter(database(folder)), RiskFilter()
    calls = through(), through(located), through(located, scored)
    made, with_geo, with_both = compare(rounds, lambda: [None] * CALLS, *calls)
    row("GeoIPFilter on shape A", with_geo - made, "", "")
    row("RiskFilter on shape A", with_both - with_geo, "", "")


def row(name: str, cost: float, limit: str, figure: str) -> None:
    print(f"{name:46} {cost:9.2f} us  {figure:>14}   {'limit ' + limit if limit else ''}".rstrip())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        geo(rounds, folder)
        risk(rounds)
        shared(rounds, folder)
        memory()
        others(rounds)
        stages(rounds, folder)


if __name__ == "__main__":
    main()
