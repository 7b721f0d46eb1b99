"""Threads, tasks, forks, signals and finalizers that log at the same time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.faults.support import Outcome, conserved, run


def complete(outcome: Outcome, calls: int) -> bool:
    """Whether each call is on a line of its own, once, and the sums say so."""
    messages = outcome.messages()
    written = {"calls": calls, "written": calls, "pending": 0, "dropped": {}}
    return outcome.target == written and len(messages) == len(set(messages)) == calls


THREADS = """
if "unlocked" in sys.argv:
    seclog_handlers.SecurityHandler.handle = lambda self, record: self._process(record)

class Halves(logging.FileHandler):  # its lines are whole only if nobody else is let in
    def handle(self, record):
        line = self.format(record) + "\\n"
        self.stream.write(line[:50])
        time.sleep(0)
        self.stream.write(line[50:])
        self.flush()

sys.setswitchinterval(1e-5)
root = secured(shaped(Halves("out.log")))

def talk(name):
    for number in range(40):
        root.info("%d-%d", name, number, extra={"event_type": "authentication", "username": "al", "success": False})

threads = [threading.Thread(target=talk, args=(name,)) for name in range(50)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
report()
"""


def test_fifty_threads(tmp_path: Path) -> None:
    """Each record of fifty threads is one line, and the counts are exact."""
    outcome = run(tmp_path, THREADS)

    assert (outcome.status, outcome.stderr) == (0, "")
    assert complete(outcome, 2000)


def test_the_threads_find_a_saboteur(tmp_path: Path) -> None:
    """A handler that lets two threads in at once is found: lines are torn."""
    outcome = run(tmp_path, THREADS, "unlocked")

    with pytest.raises(json.JSONDecodeError):
        outcome.lines()


def test_tasks(tmp_path: Path) -> None:
    """Tasks of an event loop, and the threads that it starts, log each record once."""
    program = """
    import asyncio
    root = secured(shaped(logging.FileHandler("out.log")))

    async def talk(name):
        for number in range(20):
            root.info("task %d-%d", name, number)
            await asyncio.sleep(0)
            await asyncio.to_thread(root.info, "thread %d-%d", name, number)

    async def main():
        await asyncio.gather(*(talk(name) for name in range(20)))

    asyncio.run(main())
    report()
    """

    outcome = run(tmp_path, program)

    assert (outcome.status, outcome.stderr) == (0, "")
    assert complete(outcome, 800)


SIGNALS = """
import signal
if "immediate" in sys.argv:  # the saboteur: no waiting until the record that was interrupted is done
    from seclog_handlers.handlers import _targets
    class Never:
        def __get__(self, *_): return False
        def __set__(self, *_): pass
    _targets.TargetsHandler._busy = Never()

class Slow(logging.FileHandler):
    depth = deepest = 0
    def emit(self, record):
        Slow.depth += 1
        Slow.deepest = max(Slow.deepest, Slow.depth)
        for _ in range(200): pass
        super().emit(record)
        Slow.depth -= 1

root = secured(shaped(Slow("out.log")))
signalled = 0

def answer(number, frame):
    global signalled
    signalled += 1
    root.warning("signal %d", signalled)

signal.signal(signal.SIGPROF, answer)
signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)  # of this process's own time, however busy the machine is
number = 0
while number < 1500 or signalled < 30:
    root.info("line %d", number)
    number += 1
signal.setitimer(signal.ITIMER_PROF, 0)
report(signalled=signalled, deepest=Slow.deepest, lines=number)
"""


def test_signal_handlers_that_log(tmp_path: Path) -> None:
    """A signal handler may log in the middle of a log call: both records are written, one after the other."""
    outcome = run(tmp_path, SIGNALS)

    assert (outcome.status, outcome.stderr) == (0, "")
    assert outcome.report["deepest"] == 1
    assert complete(outcome, outcome.report["lines"] + outcome.report["signalled"])


def test_the_signals_find_a_saboteur(tmp_path: Path) -> None:
    """A handler that does not wait is found: it writes one record within another."""
    outcome = run(tmp_path, SIGNALS, "immediate")

    assert outcome.report["deepest"] > 1


def test_finalizers_that_log(tmp_path: Path) -> None:
    """Objects that log when the garbage collector finds them, in the middle of a log call, cost nothing."""
    program = """
    import gc
    root = secured(shaped(logging.FileHandler("out.log")))
    class Last:
        def __init__(self, number):
            self.number, self.me = number, self
        def __del__(self):
            root.info("last %d", self.number)
    gc.set_threshold(50, 2, 2)
    for number in range(500):
        Last(number)
        root.info("line %d", number)
    gc.collect()
    report()
    """

    outcome = run(tmp_path, program)

    assert (outcome.status, outcome.stderr) == (0, "")
    assert complete(outcome, 1000)


def test_a_target_that_logs_for_every_line(tmp_path: Path) -> None:
    """A target whose library logs to the same logger does not end in recursion; what is left out is counted."""
    program = """
    class Chatty(logging.FileHandler):
        def emit(self, record):
            super().emit(record)
            logging.getLogger("chatty").info("sent %s", record.getMessage())
    root = secured(shaped(Chatty("out.log")))
    root.info("hello")
    report()
    """

    outcome = run(tmp_path, program)

    assert (outcome.status, outcome.stderr) == (0, "")
    assert outcome.messages()[:2] == ["hello", "sent hello"]
    assert outcome.report["stats"]["secure"]["dropped"] == {"recursion": 1}
    assert outcome.target["written"] == len(outcome.messages()) < 20


FORKS = """
import select, signal
if "unhooked" in sys.argv:
    from seclog_handlers.handlers import _forks
    _forks._locks = lambda: []
patience = 2 if "unhooked" in sys.argv else 60
out = shaped(logging.FileHandler("out.log"))
root = secured(out, heartbeat=60)
done = threading.Event()

def talk(name):
    while not done.is_set():
        root.info("thread %s", name, extra={"event_type": "authentication", "username": name, "success": True})

threads = [threading.Thread(target=talk, args=(f"t{number}",)) for number in range(4)]
[thread.start() for thread in threads]
hung = wrong = 0
for number in range(150 if "unhooked" in sys.argv else 60):
    child = os.fork()
    if not child:
        signal.alarm(patience)
        root.info("child %d", number)
        account = seclog_handlers.stats()["secure"]["targets"]["out"]
        os._exit(0 if account["calls"] == account["written"] == 2 else 3)  # its own start, and this line
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    hung += status < 0
    wrong += status > 0
    if hung:
        break
done.set()
[thread.join() for thread in threads]
report(hung=hung, wrong=wrong)
os._exit(0)
"""


def test_forks_under_logging_threads(tmp_path: Path) -> None:
    """No child forked while threads log hangs; each counts from nothing, says that it starts, and writes its line."""
    outcome = run(tmp_path, FORKS)

    lines = outcome.lines()
    starts = {line["pid"] for line in lines if line.get("event_type") == "sys_startup"}
    assert (outcome.report["hung"], outcome.report["wrong"]) == (0, 0)
    assert conserved(outcome.target)
    assert len([line for line in lines if line["message"].startswith("child ")]) == 60
    assert len(starts) == 61
    assert outcome.target["written"] == len(lines) - 2 * 60


def test_the_forks_find_a_saboteur(tmp_path: Path) -> None:
    """Without the hooks around a fork, a stock file's buffer hangs a child: the test above would see it."""
    outcome = run(tmp_path, FORKS, "unhooked")

    assert outcome.report["hung"] == 1


RELOAD = """
import logging.config
sys.setswitchinterval(1e-4)
if "locked" in sys.argv:  # the saboteur: a handler that opens again waits for whoever loads a configuration
    from seclog_handlers.handlers import _targets
    def reopen(self):
        self._closed_once = False
        self._watch_targets()
        time.sleep(0.001)
        logging._addHandlerRef(self)
    _targets.TargetsHandler._reopen = reopen
kept = []
class Kept(seclog_handlers.SecurityHandler):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        kept.append(self)

def load(number):
    logging.config.dictConfig({
        "version": 1, "disable_existing_loggers": False,
        "formatters": {"json": {"()": "seclog_handlers.JsonFormatter"}},
        "handlers": {
            "secure": {"class": "__main__.Kept", "policy": POLICY, "target": "out", "targets": ["second"]},
            "second": {"class": "seclog_handlers.SecurityHandler", "policy": POLICY, "target": "other"},
            "out": {"class": "logging.FileHandler", "filename": "out.log", "formatter": "json"},
            "other": {"class": "logging.FileHandler", "filename": "other.log", "formatter": "json"},
        },
        "root": {"handlers": ["secure"], "level": "INFO"},
    })

load(0)
logging.lastResort = logging.NullHandler()  # what is logged while logging has no handlers is nobody's
done = threading.Event()
raised = []

def talk(name):
    number = 0
    while not done.is_set():
        number += 1
        try:
            logging.getLogger("app").info("%s-%d", name, number)
        except BaseException as error:
            raised.append(repr(error))

threads = [threading.Thread(target=talk, args=(name,), daemon=True) for name in "abcd"]
[thread.start() for thread in threads]
loads, stuck_after = (10_000, 4) if "locked" in sys.argv else (60, 120)  # the saboteur waits for an unlucky moment
loaded = 0
def watch():
    seen = -1
    while seen != loaded:
        seen = loaded
        time.sleep(stuck_after)
    os._exit(9)

threading.Thread(target=watch, daemon=True).start()
for number in range(loads):
    load(number)
    loaded += 1
    time.sleep(0.002)
done.set()
loaded += 1
[thread.join() for thread in threads]
accounts = [handler.report()["targets"].get("out") for handler in kept]
report(raised=raised, accounts=[account for account in accounts if account])
os._exit(0)
"""


def test_reconfiguration_under_load(tmp_path: Path) -> None:
    """Loading a configuration again while threads log raises nothing, blocks nobody, loses and doubles no line."""
    outcome = run(tmp_path, RELOAD)

    assert outcome.status == 0
    assert outcome.report["raised"] == []
    messages = outcome.messages()
    assert all(conserved(account) for account in outcome.report["accounts"])
    assert sum(account["written"] for account in outcome.report["accounts"]) == len(messages) == len(set(messages))


def test_the_reconfiguration_finds_a_saboteur(tmp_path: Path) -> None:
    """A handler that waits for logging's lock, to open again, while it holds its own is a deadlock: it is found."""
    outcome = run(tmp_path, RELOAD, "locked")

    assert outcome.status == 9


def test_an_interrupt_passes(tmp_path: Path) -> None:
    """A KeyboardInterrupt in the middle of a target passes, and the record counts as dropped by it."""
    program = """
    class Interrupted(logging.Handler):
        def emit(self, record):
            raise KeyboardInterrupt
    root = secured(Interrupted())
    try:
        root.info("hello")
    except KeyboardInterrupt:
        report()
    """

    outcome = run(tmp_path, program)

    assert outcome.target["dropped"] == {"KeyboardInterrupt": 1}
