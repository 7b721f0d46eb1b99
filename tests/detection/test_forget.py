from __future__ import annotations

import json
import sqlite3

import pytest

from seclog_handlers.cli import main
from seclog_handlers.pseudonym import Pseudonymizer
from tests.detection.support import START, detector, failure, feed, states
from tests.support import KEY


def counted(engine):
    """Four failures of bob and of alice from an address each, and a brute force of bob's."""
    feed(engine, *[(n, failure("203.0.113.7", "bob")) for n in range(5)])
    feed(engine, *[(n, failure("198.51.100.9", "alice")) for n in range(4)])


def entries(engine):
    return json.dumps([entry.pack() for entry in engine._state._entries.values()]) + "".join(engine._state._entries)


def test_nothing_of_a_person_stays():
    """Counters, incidents and samples that hold the person go; those of others stay."""
    engine = detector()
    counted(engine)
    gone = engine.forget("bob")
    left = entries(engine)
    alerts = feed(engine, (5, failure("198.51.100.9", "alice")))

    assert gone > 0
    assert "bob" not in left
    assert "bob" not in str(engine._ledger._recent)
    assert states(alerts) == [("brute_force_ip", "open")]


def test_a_forgotten_person_begins_anew():
    """Who was forgotten is counted from the next event on, as if for the first time."""
    engine = detector("brute_force_user")
    feed(engine, *[(n, failure()) for n in range(9)])
    engine.forget("bob")

    assert feed(engine, *[(n, failure()) for n in range(10, 19)]) == []
    assert states(feed(engine, (20, failure()))) == [("brute_force_user", "open")]


def test_incidents_of_a_forgotten_person_are_not_resolved_aloud():
    """An incident that was forgotten says nothing more."""
    engine = detector("brute_force_ip")
    feed(engine, *[(n, failure()) for n in range(5)])
    engine.forget("203.0.113.7")

    assert engine.tick(START + 10**6) == []


def test_nobody_is_nothing():
    """Somebody who was never seen is no entry."""
    engine = detector()
    counted(engine)

    assert engine.forget("margaret") == 0


@pytest.fixture
def state(tmp_path):
    """A state that a service with a key has filled."""
    url = f"sqlite:///{tmp_path}/state.db"
    pseudonymizer = Pseudonymizer(keys=[KEY])

    def show(event, field, value):
        return pseudonymizer.token(field, value) if field in pseudonymizer.fields else value

    engine = detector(state=url, state_key=pseudonymizer.state_key, show=show)
    counted(engine)
    engine.close()
    return url, tmp_path / "state.db", pseudonymizer


def test_the_command_drops_a_person(state, monkeypatch, capsys):
    """`seclog forget` leaves nothing in the file that stands for the person, and says how much went."""
    url, path, pseudonymizer = state
    monkeypatch.setenv("SECLOG_KEYS", KEY)
    status = main(["forget", "bob", "--keys", "env:SECLOG_KEYS", "--state", url])
    again = main(["forget", "bob", "--keys", "env:SECLOG_KEYS", "--state", url])
    with sqlite3.connect(path) as connection:
        left = "".join(map(str, connection.execute("SELECT key, body FROM entries_v1")))
    connection.close()
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())

    assert (status, again) == (0, 1)
    assert "entries dropped" in capsys.readouterr().out
    for text in (pseudonymizer.state_key("username", "bob"), pseudonymizer.token("username", "bob")):
        assert text not in left
        assert text.encode() not in content
    assert pseudonymizer.state_key("username", "alice") in left


def test_the_command_needs_a_state_that_can_be_used(tmp_path, monkeypatch, capsys):
    """A state that is not there is status 2 with a sentence that says so."""
    monkeypatch.setenv("SECLOG_KEYS", KEY)
    status = main(["forget", "bob", "--keys", "env:SECLOG_KEYS", "--state", "oracle://x"])

    assert status == 2
    assert "state is 'oracle://x'" in capsys.readouterr().err
