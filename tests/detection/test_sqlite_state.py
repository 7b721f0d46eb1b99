from __future__ import annotations

import json
import math
import os
import random
import signal
import sqlite3
import stat
import threading
import time

import pytest

from seclog_handlers.detection.state import checkpoint, failover, sqlite
from seclog_handlers.errors import SecurityLogWarning
from tests.detection.support import BRUTE, START, detector, failure, feed, states


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/state.db"


def in_child(work) -> int:
    """Run `work` in a forked process; return its pid."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return pid


def finish(*pids):
    for pid in pids:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def forked(number, tmp_path, work):
    """Run `work(index)` in `number` processes at once; return the alerts of all of them."""

    def run(index):
        (tmp_path / f"alerts-{index}.json").write_text(json.dumps(work(index)))

    finish(*[in_child(lambda index=index: run(index)) for index in range(number)])
    return [alert for index in range(number) for alert in json.loads((tmp_path / f"alerts-{index}.json").read_text())]


def test_a_relative_path_is_relative(tmp_path, monkeypatch):
    """Three slashes and a name is a file in the working directory, readable by its owner only."""
    monkeypatch.chdir(tmp_path)
    engine = detector(BRUTE, state="sqlite:///state.db")
    feed(engine, (0, failure()))
    engine.close()

    assert stat.S_IMODE((tmp_path / "state.db").stat().st_mode) == 0o600


def test_configuring_opens_nothing(tmp_path, url):
    """The file is made by the first event, not by the configuration: that may run in another process."""
    detector(BRUTE, state=url)

    assert not list(tmp_path.iterdir())


def test_says_the_same_as_memory(url):
    """The same events give the same alerts with the state in a file as with the state in memory."""
    chance = random.Random(5)
    events, now = [], 0.0
    for _ in range(400):
        now += chance.choice([0, 0.2, 10, 60])
        address, user = f"203.0.113.{chance.randrange(6)}", f"user{chance.randrange(8)}"
        events.append((now, {**failure(address, user), "success": chance.random() < 0.2}))
    stored, kept = detector(state=url), detector()
    in_file, in_memory = feed(stored, *events), feed(kept, *events)
    stored.close()

    assert in_file == in_memory
    assert {state for _, state in states(in_file)} == {"open", "update", "resolve"}


def test_five_failures_over_four_processes_alert_once(tmp_path, url):
    """Five failures of one address, dealt to four forked workers, open exactly one incident."""
    engine = detector(BRUTE, state=url)
    feed(engine, (0, failure()))
    alerts = forked(4, tmp_path, lambda index: feed(engine, (1 + index, failure())) + engine.close())
    engine.close()

    assert states(alerts) == [("guessing", "open")]
    assert alerts[0]["count"] == 5


def test_workers_lose_no_event(tmp_path, url):
    """Four processes that count at the same time count every event: forty incidents of twenty events each."""

    def work(index):
        engine = detector({**BRUTE, "count": 20}, state=url)
        alerts = feed(engine, *[(0, failure(f"203.0.113.{number}")) for _ in range(5) for number in range(40)])
        return alerts + engine.close()

    alerts = forked(4, tmp_path, work)

    assert len(alerts) == 40
    assert len({alert["incident_id"] for alert in alerts}) == 40
    assert {state for _, state in states(alerts)} == {"open"}


def test_workers_resolve_an_incident_once(tmp_path, url):
    """Of four processes that all find an incident due, one resolves it."""
    engine = detector(BRUTE, state=url)
    (opened,) = feed(engine, *[(0, failure())] * 5)
    alerts = forked(4, tmp_path, lambda index: engine.tick(START + 10_000) + engine.close())
    engine.close()

    assert states(alerts) == [("guessing", "resolve")]
    assert alerts[0]["incident_id"] == opened["incident_id"]


def test_an_incident_that_another_process_opened_is_over_when_it_is_due(url):
    """A process that did not see an incident open resolves it when an event of its group comes too late for it."""
    one, other = detector(BRUTE, state=url), detector(BRUTE, state=url)
    feed(one, (0, failure("198.51.100.1")))
    feed(other, *[(0, failure())] * 5)
    alerts = feed(one, *[(700, failure())] * 5)
    one.close()
    other.close()

    assert states(alerts) == [("guessing", "resolve"), ("guessing", "open")]
    assert [alert["count"] for alert in alerts] == [5, 5]


def test_a_child_leaves_its_parents_connection_alone(tmp_path, url):
    """A forked child opens the file itself; the parent goes on with its own connection."""
    engine = detector(BRUTE, state=url)
    feed(engine, (0, failure()), (1, failure()))
    before = engine._state._store._connection

    def work(index):
        alerts = feed(engine, (2, failure()))
        assert engine._state._store._connection is not before
        engine.close()
        return alerts

    forked(1, tmp_path, work)
    alerts = feed(engine, (3, failure()), (4, failure()))
    assert engine._state._store._connection is before
    engine.close()

    assert states(alerts) == [("guessing", "open")]


def test_survives_a_kill(tmp_path, url):
    """What was counted before kill -9 is counted after the restart."""

    def work():
        feed(detector(BRUTE, state=url), *[(second, failure()) for second in range(3)])
        os.kill(os.getpid(), signal.SIGKILL)

    pid = in_child(work)
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
    engine = detector(BRUTE, state=url)
    alerts = feed(engine, (3, failure()), (4, failure()))
    engine.close()

    assert states(alerts) == [("guessing", "open")]


def test_survives_kills_at_any_moment(tmp_path, url):
    """Killed at random moments in the middle of counting, the file stays whole and nothing is counted twice."""
    chance = random.Random(7)
    for _ in range(5):
        reading, writing = os.pipe()

        def work(writing=writing):
            for number in range(10**6):
                feed(detector(BRUTE, state=url), (0, failure(f"203.0.113.{number}")))
                os.write(writing, b".")

        pid = in_child(work)
        os.read(reading, 1)  # it counts: a slow start proves nothing
        os.close(reading)
        os.close(writing)
        time.sleep(chance.random() / 20)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    with sqlite3.connect(tmp_path / "state.db") as connection:
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
        (most,) = connection.execute("SELECT max(weight) FROM entries_v1").fetchone()
    connection.close()

    assert verdict == "ok"
    assert most <= 4


def test_an_incident_outlives_its_process(tmp_path, url):
    """An incident that was open when its process ended is prolonged and resolved by the next one."""
    finish(in_child(lambda: feed(detector(BRUTE, state=url), *[(0, failure())] * 5)))
    engine = detector(BRUTE, state=url)
    prolonged = feed(engine, *[(500, failure())] * 5)
    alerts = feed(engine, (5000, {"event_type": "other"}))
    engine.close()

    assert states(prolonged) == [("guessing", "update")]
    assert [(alert["incident_state"], alert["created"], alert["count"]) for alert in alerts] == [
        ("resolve", START + 1100, 10),
    ]  # fmt: skip


def test_no_identity_is_in_the_file(tmp_path, url):
    """Neither address nor user of what was counted can be read in the file."""
    engine = detector(state=url)
    feed(engine, *[(second, failure()) for second in range(4)])
    engine.close()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert b"203.0.113" not in content
    assert b"bob" not in content
    assert b"entries_v1" in content


def test_expired_rows_go(tmp_path, url):
    """Rows whose window is over are deleted little by little; the file does not grow for ever."""
    engine = detector(BRUTE, state=url)
    feed(engine, *[(0, failure(f"10.0.{number >> 8}.{number & 255}")) for number in range(1000)])
    feed(engine, *[(5000, failure("203.0.113.7")) for _ in range(1100)])
    engine.close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        (rows,) = connection.execute("SELECT count(*) FROM entries_v1").fetchone()
    connection.close()

    assert rows < 300


@pytest.mark.parametrize("trouble", ["folder", "garbage", "missing"])
def test_an_unusable_file_degrades_to_memory(tmp_path, trouble):
    """With a file that cannot be used, each process counts for itself; one warning and one alert say so."""
    path = {"folder": tmp_path, "garbage": tmp_path / "state.db", "missing": tmp_path / "no" / "state.db"}[trouble]
    if trouble == "garbage":
        path.write_bytes(b"this is no database, however long one looks at it" * 100)
    engine = detector(BRUTE, state=f"sqlite:///{path}")
    with pytest.warns(SecurityLogWarning, match="cannot be used now") as said:
        alerts = feed(engine, *[(second, failure()) for second in range(5)])

    assert states(alerts) == [("detector_degraded", "open"), ("guessing", "open")]
    assert len(said) == 1


def test_a_locked_file_costs_a_moment(tmp_path, url, monkeypatch):
    """While somebody holds the file for long, events are counted in memory; when it is free, in the file again."""
    monkeypatch.setattr(failover, "RETRY_S", 0.0)
    engine = detector(BRUTE, state=url)
    feed(engine, (0, failure()))
    holder = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    alerts = feed(engine, *[(1, failure(f"198.51.100.{number}")) for number in range(failover.MAX_WAITING)])
    holder.execute("ROLLBACK")
    holder.close()
    later = feed(engine, *[(second, failure()) for second in range(2, 6)])
    engine.close()

    assert states(alerts) == [("detector_degraded", "open")]
    assert states(later) == [("guessing", "open")]


def test_what_each_counted_alone_is_added_up(tmp_path, url, monkeypatch):
    """An incident that grew in a process's memory and meanwhile in the file has the events of both afterwards."""
    monkeypatch.setattr(failover, "RETRY_S", 600.0)
    one, other = detector(BRUTE, state=url), detector(BRUTE, state=url)
    feed(one, *[(0, failure())] * 5)
    holder = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    feed(one, *[(1, failure(f"198.51.100.{number}")) for number in range(failover.MAX_WAITING)])  # it gives up
    holder.execute("ROLLBACK")
    holder.close()
    feed(one, *[(2, failure())] * 7)
    feed(other, *[(2, failure())] * 11)
    one._state._retry_at = 0.0
    alerts = feed(one, *[(3, failure())] * 2)
    last = other.tick(START + 10_000)
    one.close()
    other.close()

    (resolved,) = [alert for alert in last if alert["group"] == {"ip_address": "203.0.113.7"}]
    assert resolved["count"] == 5 + 7 + 11 + 2
    assert {alert["rule"] for alert in alerts} <= {"guessing"}


def test_what_each_opened_alone_ends_for_all(tmp_path, url, monkeypatch):
    """Two processes that open the same while one of them counts alone have one incident afterwards; both are resolved."""
    monkeypatch.setattr(failover, "RETRY_S", 600.0)
    one, other = detector(BRUTE, state=url), detector(BRUTE, state=url)
    feed(one, (0, failure("192.0.2.1")))
    holder = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    feed(one, *[(1, failure(f"198.51.100.{number}")) for number in range(failover.MAX_WAITING)])  # it gives up
    holder.execute("ROLLBACK")
    holder.close()
    opened = feed(one, *[(2, failure())] * 6) + feed(other, *[(3, failure())] * 7)
    one._state._retry_at = 0.0
    feed(one, (4, failure()))
    resolved = other.tick(START + 10_000) + one.tick(START + 10_000)
    one.close()
    other.close()

    ids = {alert["incident_id"] for alert in opened if alert["rule"] == "guessing"}
    ended = [alert for alert in resolved if alert["rule"] == "guessing"]
    assert len(ids) == 2
    assert sorted(alert["incident_id"] for alert in ended) == sorted(ids)
    assert {alert["count"] for alert in ended} == {6 + 7 + 1}


def test_what_both_opened_at_once_is_added_up(tmp_path, url, monkeypatch):
    """Incidents that two processes opened in the same millisecond have one id; the events of both count."""
    monkeypatch.setattr(failover, "RETRY_S", 600.0)
    one, other = detector(BRUTE, state=url), detector(BRUTE, state=url)
    feed(one, (0, failure("192.0.2.1")))
    one._state._failed()
    opened = feed(one, *[(2, failure())] * 6) + feed(other, *[(2, failure())] * 7)
    one.close()
    (resolved,) = [alert for alert in other.tick(START + 10_000) if alert["rule"] == "guessing"]
    other.close()

    assert len({alert["incident_id"] for alert in opened if alert["rule"] == "guessing"}) == 1
    assert resolved["count"] == 6 + 7


def test_what_could_not_be_brought_back_at_first_is_not_lost(tmp_path, url, monkeypatch):
    """A file that is busy when a process brings back what it counted alone gets all of it the next time."""
    monkeypatch.setattr(failover, "RETRY_S", 600.0)
    one, other = detector(BRUTE, state=url), detector(BRUTE, state=url)
    feed(one, (0, failure("192.0.2.1")))
    one._state._failed()
    feed(one, *[(1, failure())] * 6)
    feed(other, *[(2, failure())] * 7)
    holder = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    for _ in range(2):
        one._state._retry_at = 0.0
        feed(one, (3, failure()))
    holder.execute("ROLLBACK")
    holder.close()
    one._state._retry_at = 0.0
    feed(one, (4, failure()))
    ended = other.tick(START + 10_000) + one.tick(START + 10_000)
    one.close()
    other.close()

    assert {alert["count"] for alert in ended if alert["rule"] == "guessing"} == {6 + 7 + 2 + 1}


def test_a_moment_of_others_loses_nothing(tmp_path, url):
    """Events that find the file busy are counted with the next one that does not; nobody is told of it."""
    engine = detector(BRUTE, state=url)
    feed(engine, (0, failure()))
    holder = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    meanwhile = feed(engine, *[(second, failure()) for second in range(1, 4)])
    holder.execute("ROLLBACK")
    holder.close()
    waiting = engine.waiting
    alerts = feed(engine, (9, failure()))
    engine.close()

    assert (meanwhile, waiting) == ([], True)
    assert [(alert["rule"], alert["count"], alert["created"]) for alert in alerts] == [("guessing", 5, START + 9)]


def test_closing_counts_what_waits(tmp_path, url):
    """What still waits when the process closes its state is counted then; its alerts are returned."""
    engine = detector({**BRUTE, "count": 2}, state=url)
    feed(engine, (0, failure()))
    holder = sqlite3.connect(tmp_path / "state.db", isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    feed(engine, (1, failure()))
    letting_go = threading.Timer(0.05, lambda: holder.execute("ROLLBACK"))
    letting_go.start()
    alerts = engine.close()
    letting_go.join()  # a connection that is closed while a thread uses it takes the interpreter with it
    holder.close()

    assert states(alerts) == [("guessing", "open")]


def test_two_statements_an_event(url):
    """An event costs the file one statement that reads and one that writes."""
    engine = detector(state=url)
    feed(engine, (0, failure()))
    said = []
    engine._state._store._connection.set_trace_callback(said.append)
    feed(engine, (1, failure()))
    engine.close()

    assert [statement.split()[0] for statement in said] == ["SELECT", "INSERT"]


def test_a_dead_store_is_left_alone_for_a_while(tmp_path):
    """After a failure the store is not tried again at every event, and incidents of that time are resolved."""
    engine = detector(BRUTE, state=f"sqlite:///{tmp_path}/no/state.db")
    with pytest.warns(SecurityLogWarning):
        feed(engine, (0, failure()))
    (tmp_path / "no").mkdir()
    feed(engine, *[(second, failure()) for second in range(1, 5)])

    assert not list((tmp_path / "no").iterdir())
    assert engine.next_due() == START + 600
    assert states(engine.tick(START + 10_000)) == [("detector_degraded", "resolve"), ("guessing", "resolve")]


def test_rows_of_somebody_else_count_as_none(tmp_path, url):
    """A row that cannot be read is replaced; it breaks nothing."""
    engine = detector(BRUTE, state=url)
    feed(engine, (0, failure()))
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("UPDATE entries_v1 SET body = '[1]'")
    connection.close()
    alerts = feed(engine, *[(second, failure()) for second in range(5)])
    engine.close()

    assert states(alerts) == [("guessing", "open")]


def test_a_full_file_lets_the_lightest_go(tmp_path, url, monkeypatch):
    """A file that has reached its size loses groups with one event, keeps those with more, and one alert says so."""
    monkeypatch.setattr(sqlite, "MAX_PAGES", 0)
    engine = detector(BRUTE, state=url)
    feed(engine, *[(0, failure("203.0.113.7"))] * 3)
    alerts = feed(engine, *[(1, failure(f"10.0.{number >> 8}.{number & 255}")) for number in range(600)])
    found = feed(engine, *[(2, failure("203.0.113.7"))] * 2)
    engine.close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        (rows,) = connection.execute("SELECT count(*) FROM entries_v1").fetchone()
    connection.close()

    assert states(alerts) == [("detector_state_saturated", "open")]
    assert states(found) == [("guessing", "open")]
    assert rows < 300


def test_a_file_that_is_lost_while_running_degrades(tmp_path, url):
    """A file that is overwritten under a running process costs an alert about it, no exception and no incident."""
    engine = detector(BRUTE, state=url)
    feed(engine, *[(0, failure())] * 5)
    engine.close()
    for path in tmp_path.iterdir():
        path.write_bytes(b"overwritten by somebody" * 1000)
    with pytest.warns(SecurityLogWarning):
        due = engine.next_due()

    assert due == START + 600
    assert states(engine.tick(START + 10_000)) == [("guessing", "resolve")]
    assert states(feed(engine, (1, failure()))) == [("detector_degraded", "open")]


def test_an_event_is_two_statements(url, monkeypatch):
    """Each event reads once and writes once; the log, which needs an fsync, comes into the file once in so many."""
    monkeypatch.setattr(sqlite, "CHECKPOINT_EVERY", 50)
    checkpoints: list[str] = []
    monkeypatch.setattr(sqlite, "checkpoint", lambda path, **_: checkpoints.append(path))
    engine = detector(BRUTE, state=url)
    feed(engine, (0, failure()))
    statements: list[str] = []
    connection = engine._state._store._connection
    connection.set_trace_callback(statements.append)
    feed(engine, *[(number, failure(f"10.0.0.{number}")) for number in range(1, 121)])
    (own,) = connection.execute("PRAGMA wal_autocheckpoint").fetchone()
    engine.close()

    assert [sum(text.startswith(word) for text in statements) for word in ("SELECT", "INSERT")] == [120, 120]
    assert len(checkpoints) == 2
    assert not any("wal_checkpoint" in text for text in statements)
    assert own == sqlite.MAX_PAGES


@pytest.mark.parametrize("live", [True, False])
def test_a_thread_brings_the_log_into_the_file(url, monkeypatch, live):
    """The disk is waited for beside the log calls, in a replay in its turn: then the log begins anew, nothing is lost."""
    monkeypatch.setattr(sqlite, "CHECKPOINT_EVERY", 50)
    path = url.removeprefix("sqlite:///")
    callers: list[str] = []
    done = threading.Event()
    run = checkpoint.run

    def noted(path: str) -> None:
        callers.append(threading.current_thread().name)
        run(path)
        done.set()

    monkeypatch.setattr(checkpoint, "run", noted)
    engine = detector(BRUTE, state=url)
    monkeypatch.setattr(sqlite, "LIVE_MS", math.inf if live else 0)
    feed(engine, *[(number, failure(f"10.0.0.{number}")) for number in range(50)])
    assert done.wait(30)
    with sqlite3.connect(path) as connection:
        pages = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
        rows = connection.execute("SELECT count(*) FROM entries_v1").fetchone()[0]
    connection.close()
    engine.close()

    assert callers == ["seclog-checkpoint" if live else threading.current_thread().name]
    assert pages < 10
    assert rows == 50


def test_a_log_that_others_keep_open_ends_too(url, monkeypatch):
    """Where others write all the time a passive checkpoint never ends the log: past a size it is ended while they wait."""
    monkeypatch.setattr(checkpoint, "LONG_LOG", 5)
    path = url.removeprefix("sqlite:///")
    modes: list[str] = []
    engine = detector(BRUTE, state=url)
    feed(engine, *[(number, failure(f"10.0.0.{number}")) for number in range(50)])
    connect = sqlite3.connect

    def traced(*given, **options):
        connection = connect(*given, **options)
        connection.set_trace_callback(modes.append)
        return connection

    monkeypatch.setattr(checkpoint.sqlite3, "connect", traced)
    checkpoint.run(path)
    engine.close()

    assert [text for text in modes if "checkpoint" in text] == [
        "PRAGMA wal_checkpoint(PASSIVE)", "PRAGMA wal_checkpoint(RESTART)",
    ]  # fmt: skip


def test_no_fork_meets_an_open_checkpoint():
    """SQLite's own locks are free in a child: a fork waits for the thread that has the file open."""
    order: list[str] = []
    checkpoint._open.acquire()
    release = threading.Timer(0.2, lambda: (order.append("closed"), checkpoint._open.release()))
    release.start()
    pid = os.fork()
    if not pid:
        os._exit(checkpoint._open.locked())
    order.append("forked")
    _, status = os.waitpid(pid, 0)

    assert order == ["closed", "forked"]
    assert status == 0


def test_what_waits_is_counted_a_few_events_at_a_time(url, monkeypatch):
    """A backlog goes with the next events: each call does a few, so that none pays for all, and none is lost."""
    monkeypatch.setattr(failover, "MAX_WAITING_S", 600.0)
    engine = detector({**BRUTE, "count": 60}, state=url)
    feed(engine, (0, failure()))
    blocker = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    feed(engine, *[(number, failure()) for number in range(1, 41)])
    blocker.execute("ROLLBACK")
    blocker.close()
    waiting = len(engine._state._waiting)
    feed(engine, (41, failure()))
    left = len(engine._state._waiting)
    alerts = feed(engine, *[(number, failure()) for number in range(42, 62)])
    engine.close()

    assert waiting == 40
    assert 40 - 2 * failover.MAX_TOGETHER <= left - 1 < 40
    assert [(alert["incident_state"], alert["count"]) for alert in alerts] == [("open", 60)]
