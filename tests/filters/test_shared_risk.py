"""risk.state: workers behind a SQLite file, hosts behind Redis, learn from each other's logins."""

from __future__ import annotations

import json
import logging
import os
import random
import shutil
import sqlite3
import time
import warnings
from pathlib import Path

import pytest

from seclog_handlers import RiskFilter, SecurityHandler
from seclog_handlers.cli import main
from seclog_handlers.enrichment.journal import book, open_journal, sqlite
from seclog_handlers.errors import ConfigurationError, SecurityLogWarning
from seclog_handlers.policy import Policy
from tests.support import KEY, Lines

T0 = 1_800_000_000.0
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
BERLIN = {"country": "DE", "asn": 64500, "latitude": 52.52, "longitude": 13.4, "accuracy_radius_km": 10}
SYDNEY = {"country": "AU", "asn": 64501, "latitude": -33.87, "longitude": 151.2, "accuracy_radius_km": 10}


def redis_server(folder):
    """Start a real Redis, or skip the test where there is none."""
    pytest.importorskip("redis", reason="the extra 'redis' is not installed")
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server on this machine")
    from tests.detection.test_redis_state import Server

    return Server(folder)


def login(success: bool = True, user: str = "bob", address: str = "203.0.113.5", when: float = T0, **more: object):
    record = logging.makeLogRecord(
        {
            "event_type": "authentication", "username": user, "ip_address": address, "success": success,
            "user_agent": AGENT, "geo_location": BERLIN, **more,
        },
    )  # fmt: skip
    record.created = when
    return record


def scored(stage: RiskFilter, record: logging.LogRecord) -> tuple[int, list[dict[str, object]]]:
    stage.filter(record)
    assert "seclog_error" not in record.__dict__
    return record.risk_score, record.risk_factors


def factors(stage: RiskFilter, record: logging.LogRecord) -> set[str]:
    return {factor["name"] for factor in scored(stage, record)[1]}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = redis_server(tmp_path_factory.mktemp("redis"))
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(params=["sqlite", "redis"])
def workers(request, tmp_path):
    """Return a function that makes a worker's filter on one state; all are closed in the end."""
    made: list[RiskFilter] = []
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/state.db"
    else:
        url = request.getfixturevalue("server").url
        import redis

        with redis.Redis.from_url(url) as client:
            client.flushall()

    def worker(**options: object) -> RiskFilter:
        made.append(RiskFilter(state=url, keys=KEY, **options))
        return made[-1]

    worker.url = url
    yield worker
    for stage in made:
        stage.close()


def story(seed: int) -> list[logging.LogRecord]:
    chance = random.Random(seed)
    when, records = T0, []
    for _ in range(250):
        when += chance.choice([0, 1, 30, 600])
        user, at_home = chance.choice(["ann", "bob", "eve"]), chance.random() < 0.7
        address = f"203.0.113.{ord(user[0])}" if at_home else f"198.51.100.{chance.randrange(4)}"
        place = BERLIN if at_home else SYDNEY
        agent = AGENT if chance.random() < 0.8 else "curl/8"
        records.append(
            login(chance.random() < 0.6, user, address, when, geo_location=place, user_agent=agent),
        )
    return records


def test_several_workers_score_as_one(workers):
    """Whichever of three workers sees an event, it scores as if one had seen them all."""
    three, one = [workers() for _ in range(3)], RiskFilter()
    chance = random.Random(7)

    for mine, yours in zip(story(1), story(1), strict=True):
        assert scored(chance.choice(three), mine) == scored(one, yours)
        assert mine.__dict__.get("impossible_travel") == yours.__dict__.get("impossible_travel")


def test_what_was_learnt_outlives_the_process(workers):
    """After a restart the user's places and devices are known, and so are the failures of an address."""
    first = workers()
    for number in range(5):
        scored(first, login(when=T0 + number))
        scored(first, login(False, "eve", "198.51.100.7", T0 + number))
        scored(first, login(False, "eve", "198.51.100.7", T0 + number))
    first.close()
    second = workers()

    assert scored(second, login(when=T0 + 60)) == (0, [])
    assert "new_country" in factors(second, login(when=T0 + 61, geo_location={"country": "AU", "asn": 64501}))
    assert scored(second, login(True, "eve", "198.51.100.7", T0 + 62))[0] >= 90


def test_forked_workers_hear_of_each_other(workers):
    """Four workers see ten failures each of one address; the success, in the parent, is a break-in."""
    stage = workers()
    scored(stage, login())
    pids = []
    for _ in range(4):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other tests may have left threads
            pid = os.fork()
        if pid == 0:
            status = 1
            try:
                for number in range(10):
                    scored(stage, login(False, address="198.51.100.7", when=T0 + number))
                stage.close()
                status = 0
            finally:
                os._exit(status)
        pids.append(pid)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0] * 4

    found = scored(stage, login(address="198.51.100.7", when=T0 + 60))[1]

    assert {"name": "success_after_failures", "points": 60} in found
    assert {"name": "address_failures", "points": 32} in found


def test_a_forked_child_learns_nothing_twice(workers):
    """What the parent has written is in the child's memory already."""
    stage, alone = workers(), RiskFilter()
    for number in range(3):
        scored(stage, login(False, when=T0 + number))
        scored(alone, login(False, when=T0 + number))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = int(scored(stage, login(False, when=T0 + 3)) != scored(alone, login(False, when=T0 + 3)))
        finally:
            os._exit(status)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.parametrize(
    ("group", "points"),
    [({"ip_address": "198.51.100.7"}, 20), ({"ip_address/24": "198.51.100.0/24"}, 15), ({"username": "bob"}, 10)],
)
def test_workers_know_of_each_others_incidents(workers, group, points):
    """An incident that one worker opened counts in another until it is resolved."""
    one, other = workers(), workers()
    alert = {"incident_id": "i1", "incident_state": "open", "group": group}
    scored(one, login(when=T0))
    one.note(logging.makeLogRecord(alert))

    during = scored(other, login(None, address="198.51.100.7"))[1]
    one.note(logging.makeLogRecord({**alert, "incident_state": "resolve"}))
    after = factors(other, login(None, address="198.51.100.7"))

    assert {"name": "open_incident", "points": points} in during
    assert "open_incident" not in after


def test_journeys_between_workers(workers):
    """Berlin in one worker, Sydney an hour later in another: nobody travels like that."""
    one, other = workers(), workers()
    scored(one, login())
    away = login(when=T0 + 3600, address="198.51.100.1", geo_location=SYDNEY)

    assert "impossible_travel" in factors(other, away)


def contents(url: str, path) -> bytes:
    if url.startswith("sqlite"):
        return b"".join(file.read_bytes() for file in path.glob("state.db*"))
    import redis

    with redis.Redis.from_url(url) as client:
        return repr(client.xrange("seclog:1:risk")).encode()


def test_holds_no_identity(workers, tmp_path):
    """What the state holds tells nobody who logged in, or from which address."""
    stage = workers()
    scored(stage, login(user="bob-the-operator"))
    stage.note(logging.makeLogRecord({"incident_id": "i", "group": {"ip_address": "203.0.113.5"}}))
    found = contents(workers.url, tmp_path)

    assert b"DE" in found
    for secret in (b"bob-the-operator", b"203.0.113.5", b"Chrome/130"):
        assert secret not in found


def test_forgets_a_person(workers):
    """Rows about somebody are dropped; those about others stay."""
    stage = workers()
    scored(stage, login(user="bob"))
    scored(stage, login(user="ann"))
    key = Policy({"pseudonyms.keys": [KEY]}).pseudonymizer.state_key("username", "bob")

    journal = open_journal(workers.url)
    assert journal is not None
    assert journal.forget([key]) == 1
    assert len(journal.swap()) == 1
    journal.close()


def test_what_nobody_can_read_is_passed_over(workers):
    """Rows of another version, or of somebody else, teach nothing and break nothing."""
    journal = open_journal(workers.url)
    assert journal is not None
    for body in (
        "",
        "null",
        "[1, 2]",
        "{",
        '{"group": 5}',
        json.dumps([*"abcdefgh"]),
        '["u", "a", [1, "X"], "t", ["b", "s", "d"], false, NaN, []]',
        "[" * 50_000,
    ):
        journal.swap(body)
    journal.close()

    assert scored(workers(), login(False))[0] == 8


def test_rows_are_bounded(workers, monkeypatch, tmp_path):
    """Old rows go: the state of a busy site does not grow for ever."""
    monkeypatch.setattr(sqlite, "MAX_ROWS", 100)
    monkeypatch.setattr(sqlite, "TIDY_EVERY", 50)
    if workers.url.startswith("redis"):
        pytest.skip("Redis trims its stream itself")
    stage = workers()
    for number in range(400):
        scored(stage, login(False, f"user{number}", when=T0 + number))
    with sqlite3.connect(tmp_path / "state.db") as connection:
        [(rows,)] = connection.execute("SELECT count(*) FROM risk_v1").fetchall()
    connection.close()

    assert 100 <= rows <= 150


def test_a_busy_file_holds_nobody_up_and_loses_nothing(tmp_path):
    """While somebody else has the file, events are scored all the same; the others hear of them afterwards."""
    url = f"sqlite:///{tmp_path}/state.db"
    one, other = (RiskFilter(state=url, keys=KEY) for _ in range(2))
    scored(one, login())
    owner = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    owner.execute("BEGIN IMMEDIATE")
    start = time.process_time()
    scores = [scored(one, login(False, address="198.51.100.7", when=T0 + number))[0] for number in range(12)]
    spent = time.process_time() - start
    owner.execute("COMMIT")
    owner.close()
    one.close()

    assert scores == sorted(scores)
    assert scores[-1] == 64
    assert spent < 10
    assert scored(other, login(address="198.51.100.7", when=T0 + 20))[0] >= 90
    other.close()


def other_table(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE risk_v1 (a)")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "spoil",
    [lambda path: None, Path.mkdir, lambda path: path.write_bytes(b"garbage" * 1000), other_table],
    ids=["no folder", "folder", "garbage", "another table"],
)
def test_a_state_that_cannot_be_used_is_told_once(tmp_path, spoil, request):
    """Scores go on by what this process has seen, and one warning says what is wrong."""
    path = tmp_path / ("missing/state.db" if request.node.callspec.id == "no folder" else "state.db")
    spoil(path)
    stage = RiskFilter(state=f"sqlite:///{path}", keys=KEY)

    with pytest.warns(SecurityLogWarning, match=r"risk state .*state\.db") as told:
        scores = [scored(stage, login(False, when=T0 + number))[0] for number in range(3)]
    stage.close()

    assert scores == [8, 16, 24]
    assert len(told) == 1


def test_redis_that_goes_and_comes_back(tmp_path, monkeypatch):
    """While Redis is away each host goes on alone; what it saw meanwhile reaches the others."""
    server = redis_server(tmp_path)
    try:
        one, other = (RiskFilter(state=server.url, keys=KEY) for _ in range(2))
        scored(one, login())
        server.stop()
        with pytest.warns(SecurityLogWarning, match="risk state in Redis") as told:
            [scored(one, login(False, address="198.51.100.7", when=T0 + number)) for number in range(12)]
        monkeypatch.setattr(book, "RETRY_S", 0.0)
        one._sharing._journal._retry_at = 0.0
        server.start()
        scored(one, login(when=T0 + 13))

        assert len(told) == 1
        assert scored(other, login(address="198.51.100.7", when=T0 + 20))[0] >= 90
        one.close()
        other.close()
    finally:
        server.stop()


def test_configuring_opens_nothing(tmp_path):
    """The file is made by the first event: the configuration may run in another process, as another user."""
    Policy({"pseudonyms.keys": [KEY], "risk.state": f"sqlite:///{tmp_path}/state.db"}).stages()

    assert not list(tmp_path.iterdir())


def test_a_policy_names_it(tmp_path):
    """Through two SecurityHandlers, as two workers have them: what one sees the other knows."""
    policy = {"pseudonyms.keys": [KEY], "risk.state": f"sqlite:///{tmp_path}/state.db", "geoip": "off"}
    outs = [Lines(), Lines()]
    handlers = [SecurityHandler(target=out, policy=policy) for out in outs]
    for number in range(10):
        handlers[0].handle(login(False, address="198.51.100.7", when=T0 + number))
    handlers[1].handle(login(address="198.51.100.7", when=T0 + 11))
    for handler in handlers:
        handler.close()

    assert outs[1].lines[-1]["risk_score"] >= 90


@pytest.mark.parametrize("state", ["sqlite:///state.db", "redis://127.0.0.1:1/0"])
def test_a_shared_state_without_a_key_stops_the_start(state):
    """With random keys no process would know the same user."""
    if state.startswith("redis"):
        pytest.importorskip("redis", reason="the extra 'redis' is not installed")
    for make in (lambda: RiskFilter(state=state), lambda: Policy({"risk.state": state}).stages()):
        with pytest.raises(ConfigurationError, match=r"pseudonyms\.keys"):
            make()


@pytest.mark.parametrize(
    "state", ["", "sqlite://", "sqlite:///:memory:", "mysql://u:secret@h/x", 5, "env:NOT_SET_AT_ALL"]
)
def test_an_unknown_state_stops_the_start(state):
    """The error says what there is, and shows no password."""
    with pytest.raises(ConfigurationError, match=r"risk\.state") as told:
        RiskFilter(state=state, keys=KEY)

    assert "secret" not in str(told.value)


def test_the_command_forgets_a_person(tmp_path, capsys):
    """`seclog forget` drops the logins of a person too, and counts them."""
    url = f"sqlite:///{tmp_path}/state.db"
    keys = tmp_path / "keys"
    keys.write_text(KEY)
    stage = RiskFilter(state=url, keys=KEY)
    for user in ("bob", "bob", "ann"):
        scored(stage, login(user=user))
    stage.close()

    assert main(["forget", "bob", "--state", url, "--keys", f"file:{keys}"]) == 0
    assert capsys.readouterr().out == "2 entries dropped.\n"
