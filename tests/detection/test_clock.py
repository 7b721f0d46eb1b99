from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers import EscalationHandler
from seclog_handlers.detection.clock import Clock, boot_id, since_boot
from tests.detection.support import BRUTE, START, detector
from tests.detection.test_escalation import POLICY, Kept, failures, states_of


class Machine:
    """A machine whose wall clock can be set, and whose time since boot cannot."""

    def __init__(self):
        self.wall = START
        self.steady = 5000.0
        self.kept = {}

    def clock(self, boot="one"):
        return Clock(self.kept.setdefault, lambda: self.wall, lambda: self.steady, lambda: boot)

    def passes(self, seconds):
        self.wall += seconds
        self.steady += seconds


def test_event_time_is_the_records():
    """With a wall clock that nobody sets, event time is what the record says, to the bit."""
    machine = Machine()
    clock = machine.clock()
    machine.passes(77.7)

    assert clock.event_time(machine.wall - 0.001234567) == machine.wall - 0.001234567
    assert clock.now() == machine.wall


@given(st.floats(-1e6, 1e6).filter(lambda step: abs(step) > 1.1), st.floats(0, 1e5), st.floats(0, 4))
def test_a_step_of_the_wall_clock_changes_nothing(step, passed, late):
    """However the wall clock is set, event time goes on as if it had not been."""
    machine = Machine()
    clock = machine.clock()
    clock.event_time(machine.wall)
    machine.passes(passed)
    machine.wall += step

    assert clock.event_time(machine.wall - late) == pytest.approx(START + passed - late, abs=1e-3)
    assert clock.now() == pytest.approx(START + passed, abs=1e-3)


def test_jitter_is_no_step():
    """Readings that are a moment apart do not change a record's time."""
    machine = Machine()
    clock = machine.clock()
    clock.now()
    machine.wall += 0.4

    assert clock.event_time(machine.wall) == machine.wall


def test_a_replay_is_taken_as_it_is():
    """Records of long ago, and of far ahead, keep their times, whatever the wall clock did."""
    machine = Machine()
    clock = machine.clock()
    clock.now()
    machine.wall += 3600

    assert clock.event_time(START - 86400) == START - 86400
    assert clock.event_time(machine.wall + 6) == machine.wall + 6


def test_processes_of_one_boot_share_their_offset():
    """A process that starts after the wall clock was set keeps the time of those before it; a new boot begins anew."""
    machine = Machine()
    machine.clock().now()
    machine.wall -= 7200
    machine.passes(10)

    assert machine.clock().now() == pytest.approx(START + 10)
    assert machine.clock(boot="two").now() == machine.wall


@pytest.mark.parametrize("url", ["memory://", "sqlite:///{}/state.db"])
def test_the_state_keeps_the_offset_of_a_boot(tmp_path, url):
    """The first offset of a boot stays; a shared state gives it to every process."""
    one, other = (detector(BRUTE, state=url.format(tmp_path)) for _ in range(2))
    first = one._state.offset("boot", 1.5)
    second = other._state.offset("boot", 99.5)
    one.close()
    other.close()

    assert first == 1.5
    assert second == (99.5 if url == "memory://" else 1.5)


def test_a_step_while_an_attack_goes_on_hides_nothing():
    """Five failures within a minute alert although the wall clock was set back an hour after the third."""
    machine, target = Machine(), Kept()
    handler = EscalationHandler(target=target, policy=POLICY, rules=[BRUTE])
    handler._detector.clock = machine.clock()
    failures(handler, 0, 1, 2, start=machine.wall)
    machine.passes(30)
    machine.wall -= 3600
    failures(handler, 0, 1, start=machine.wall)
    handler.close()

    assert states_of(target) == [("guessing", "open")]
    assert target.records[0].created == pytest.approx(START + 31)


def test_a_step_forward_resolves_nothing_early():
    """An incident stays open for its time although the wall clock jumps a day ahead."""
    machine, target = Machine(), Kept()
    handler = EscalationHandler(target=target, policy=POLICY, rules=[BRUTE])
    handler._detector.clock = machine.clock()
    failures(handler, *range(5), start=machine.wall - 4)
    machine.passes(60)
    machine.wall += 86400
    handler.tick()
    failures(handler, 0, address="198.51.100.1", start=machine.wall)
    handler.close()

    assert states_of(target) == [("guessing", "open")]


def test_the_machines_own_clocks():
    """The time since boot does not go back, and a boot has a name."""
    before = since_boot()

    assert since_boot() >= before
    assert boot_id() == boot_id() != ""
    assert abs(Clock(lambda _boot, offset: offset).now() - time.time()) < 5
