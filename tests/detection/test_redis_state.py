from __future__ import annotations

import json
import random
import shutil
import signal
import socket
import subprocess
import time

import pytest

from seclog_handlers.detection.state import failover, open_state
from seclog_handlers.errors import ConfigurationError, SecurityLogWarning
from tests.detection.support import BRUTE, START, detector, failure, feed, states
from tests.detection.test_sqlite_state import forked
from tests.support import PATIENCE, free_port

redis = pytest.importorskip("redis", reason="the extra 'redis' is not installed")
if shutil.which("redis-server") is None:
    pytest.skip("no redis-server on this machine", allow_module_level=True)


class Server:
    """A real Redis on loopback, without persistence."""

    def __init__(self, folder):
        self.port = free_port()
        self.folder = folder
        # Generous, so that a slow test machine is no dead Redis.
        self.url = f"redis://127.0.0.1:{self.port}/0?socket_timeout=30&socket_connect_timeout=30"
        self.start()

    def start(self):
        command = [
            "redis-server",
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(self.folder),
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return

    def stop(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(tmp_path):
    running = Server(tmp_path)
    try:
        yield running
    finally:
        running.stop()


def test_says_the_same_as_memory(server):
    """The same events give the same alerts with the state in Redis as with the state in memory."""
    chance = random.Random(5)
    events, now = [], 0.0
    for _ in range(300):
        now += chance.choice([0, 0.2, 10, 60])
        address, user = f"203.0.113.{chance.randrange(6)}", f"user{chance.randrange(8)}"
        events.append((now, {**failure(address, user), "success": chance.random() < 0.2}))
    stored, kept = detector(state=server.url), detector()
    in_redis, in_memory = feed(stored, *events), feed(kept, *events)
    stored.close()

    assert in_redis == in_memory
    assert {state for _, state in states(in_redis)} == {"open", "update", "resolve"}


def test_processes_lose_no_event(server, tmp_path):
    """Four processes that count at the same time count every event: twenty incidents of twenty events each."""

    def work(index):
        engine = detector({**BRUTE, "count": 20}, state=server.url)
        alerts = feed(engine, *[(0, failure(f"203.0.113.{number}")) for _ in range(5) for number in range(20)])
        return alerts + engine.close()

    alerts = forked(4, tmp_path, work)

    assert states(alerts) == [("guessing", "open")] * 20
    assert len({alert["incident_id"] for alert in alerts}) == 20


def test_processes_resolve_an_incident_once(server, tmp_path):
    """Of four processes that all find an incident due, one resolves it."""
    engine = detector(BRUTE, state=server.url)
    feed(engine, *[(0, failure())] * 5)
    alerts = forked(4, tmp_path, lambda index: engine.tick(START + 10_000) + engine.close())
    engine.close()

    assert states(alerts) == [("guessing", "resolve")]


def test_an_incident_outlives_its_process(server):
    """An incident that another process opened is resolved by an event in this one."""
    one, other = detector(BRUTE, state=server.url), detector(BRUTE, state=server.url)
    feed(one, *[(0, failure())] * 5)
    alerts = feed(other, (5000, failure("198.51.100.1")))
    one.close()
    other.close()

    assert [(alert["incident_state"], alert["created"]) for alert in alerts] == [("resolve", START + 600)]


def test_a_stopped_redis_degrades_once(server):
    """Without Redis each process counts for itself; one alert says so, and an open incident goes on."""
    engine = detector(BRUTE, state=server.url)
    opened = feed(engine, *[(0, failure())] * 5)
    server.stop()
    with pytest.warns(SecurityLogWarning, match="cannot be used now"):
        alerts = feed(engine, *[(1, failure())] * 5, *[(2, failure("198.51.100.1"))] * 5)
    resolved = engine.tick(START + 700)
    engine.close()

    assert states(opened) == [("guessing", "open")]
    assert states(alerts) == [("detector_degraded", "open"), ("guessing", "update"), ("guessing", "open")]
    assert sorted(states(resolved)) == [("detector_degraded", "resolve")] + [("guessing", "resolve")] * 2


def test_what_redis_lost_is_given_back(server, monkeypatch):
    """A Redis that comes back empty gets the open incidents back, each of which is resolved once."""
    monkeypatch.setattr(failover, "RETRY_S", 0.2)
    engine, other = detector(BRUTE, state=server.url), detector(BRUTE, state=server.url)
    feed(engine, *[(0, failure())] * 5)
    server.stop()
    server.start()
    with pytest.warns(SecurityLogWarning, match="cannot be used now"):
        during = feed(engine, (1, failure("198.51.100.1")))
    time.sleep(0.25)
    after = feed(engine, *[(2, failure())] * 5)
    resolved = other.tick(START + 10_000) + engine.tick(START + 10_000)
    engine.close()
    other.close()

    assert states(during) == [("detector_degraded", "open")]
    assert states(after) == [("guessing", "update")]
    assert states(resolved).count(("guessing", "resolve")) == 1


def test_a_moment_without_an_answer_loses_nothing(server, monkeypatch):
    """Events that a pausing Redis does not answer in time are counted when it does; nobody is told of it."""
    monkeypatch.setattr(failover, "PAUSE_S", 0.0)
    monkeypatch.setattr(failover, "MAX_WAITING_S", 600.0)
    engine = detector(BRUTE, state=server.url.replace("=30", "=0.1"))
    feed(engine, (0, failure()))
    server.process.send_signal(signal.SIGSTOP)
    during = feed(engine, *[(second, failure()) for second in range(1, 4)])
    server.process.send_signal(signal.SIGCONT)
    after = counted_in_the_end(engine, 4)
    engine.close()

    assert during == []
    assert [(alert["rule"], alert["count"]) for alert in after] == [("guessing", 5)]


@pytest.mark.parametrize("sent", [True, False])
def test_a_write_without_an_answer_counts_once(server, monkeypatch, sent):
    """A write whose answer is late is done again if it was not done, and only then."""
    monkeypatch.setattr(failover, "PAUSE_S", 0.0)
    monkeypatch.setattr(failover, "MAX_WAITING_S", 600.0)
    engine = detector(BRUTE, state=server.url)
    feed(engine, *[(0, failure())] * 3)
    store = engine._state._store
    script = store._script

    def late(*arguments):
        store._script = script
        if sent:
            script(*arguments)
        raise redis.TimeoutError

    store._script = late
    during = feed(engine, (1, failure()))
    after = feed(engine, (2, failure()))
    engine.close()

    assert during == []
    assert [(alert["rule"], alert["count"]) for alert in after] == [("guessing", 5)]


def counted_in_the_end(engine, second):
    """Feed one more event, and tick until what waits is counted: a stopped process needs a moment to go on."""
    alerts = feed(engine, (second, failure()))
    deadline = time.monotonic() + PATIENCE
    while engine._state._waiting and time.monotonic() < deadline:
        alerts += engine.tick(START + second)
    return alerts


def test_leaving_brings_back_what_was_counted_alone(server, monkeypatch):
    """A process that ends while it counts alone gives the store its incidents, with their events."""
    monkeypatch.setattr(failover, "RETRY_S", 600.0)
    one, other = detector(BRUTE, state=server.url), detector(BRUTE, state=server.url)
    feed(one, *[(0, failure())] * 5)
    one._state._failed()
    feed(one, *[(1, failure())] * 4)
    one.close()
    (resolved,) = other.tick(START + 10_000)
    other.close()

    assert (resolved["incident_state"], resolved["count"]) == ("resolve", 9)


@pytest.mark.parametrize("trouble", [signal.SIGSTOP, signal.SIGKILL])
def test_a_dead_redis_is_asked_once(server, trouble, monkeypatch):
    """While Redis does not answer, one call in five seconds waits for it, as long as its timeout says."""
    monkeypatch.setattr(failover, "RETRY_S", 600.0)  # five seconds may pass on a busy machine
    url = server.url.partition("?")[0]
    engine = detector(BRUTE, state=url + "?socket_timeout=2&socket_connect_timeout=2")
    feed(engine, *[(0, failure())] * 4)
    server.process.send_signal(trouble)
    with pytest.warns(SecurityLogWarning):
        alerts = feed(engine, (1, failure("198.51.100.1")))
    client = engine._state._store._client
    calls = []
    client.execute_command = lambda *words, **_: calls.append(words)
    feed(engine, *[(1, failure(f"198.51.100.{number}")) for number in range(50)])

    assert states(alerts) == [("detector_degraded", "open")]
    assert calls == []


def test_no_identity_is_in_redis(server):
    """Neither address nor user of what was counted can be read in Redis, and everything there expires."""
    engine = detector(state=server.url)
    feed(engine, *[(second, failure()) for second in range(4)])
    client = engine._state._store._client
    keys = [key for key in client.keys("*") if not key.endswith((":epoch", ":due"))]
    content = json.dumps([keys, client.mget(keys)])
    lives = [client.pttl(key) for key in keys]
    engine.close()

    assert "203.0.113" not in content
    assert "bob" not in content
    assert keys
    assert min(lives) > 0


def test_an_error_shows_no_password():
    """The password of a URL is in no error."""
    with pytest.raises(ConfigurationError) as caught:
        detector(state="redis://user:hunter2@host:6379/0", state_key=None)

    assert "hunter2" not in str(caught.value)
    assert "redis://host:6379" in str(caught.value)


def test_a_bad_url_stops_the_start():
    """A URL that redis-py does not take is an error of the configuration."""
    with pytest.raises(ConfigurationError, match="redis-py does not take"):
        open_state("redis://localhost:port/0")
