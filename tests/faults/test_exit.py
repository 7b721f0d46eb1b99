"""The end of a program, in every order.

The orders fail when a closed handler does not open again, the kills when a line stays in a buffer (saboteurs:
`TargetsHandler._reopen` that raises, `FileHandler.flush` that does nothing).
"""

from __future__ import annotations

import itertools
import signal
from pathlib import Path

import pytest

from tests.faults.support import conserved, run

ORDERS = list(itertools.permutations(("secure", "second", "out")))


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_shutdown_in_any_order(tmp_path: Path, order: tuple[str, ...]) -> None:
    """Whatever handler is closed first, records before, between and after the closing are all written."""
    program = f"""
    import weakref
    out = shaped(logging.FileHandler("out.log"))
    second = seclog_handlers.SecurityHandler(target=out, policy=POLICY)
    second.set_name("second")
    root = secured(out)
    logging.getLogger("second").addHandler(second)
    logging.getLogger("second").propagate = False
    handlers = {{"secure": root.handlers[0], "second": second, "out": out}}
    for number, name in enumerate({order!r}):
        root.info("before %d", number)
        logging.getLogger("second").info("beside %d", number)
        logging.shutdown([weakref.ref(handlers[name])])
    root.info("after")
    logging.shutdown()
    root.info("after all")
    report()
    """

    outcome = run(tmp_path, program)

    accounts = [outcome.report["stats"][name]["targets"]["out"] for name in ("second", "secure")]
    assert (outcome.status, outcome.stderr) == (0, "")
    assert [account["written"] for account in accounts] == [3, 5]
    assert all(conserved(account) for account in accounts)
    assert len(outcome.messages()) == 8


def test_finalizers_at_the_end_of_the_interpreter(tmp_path: Path) -> None:
    """What objects log while the interpreter goes away raises nothing; what can still be written is."""
    program = """
    root = secured(shaped(seclog_handlers.SharedFileHandler("out.log")))
    class Last:
        def __init__(self, name):
            self.name = name
        def __del__(self):
            root.info("last words of %s", self.name)
    module_global = Last("a global")
    import builtins
    builtins.kept = Last("a builtin")
    cycle = Last("a cycle")
    cycle.me = cycle
    import atexit
    atexit.register(root.info, "at exit")
    root.info("hello")
    """

    outcome = run(tmp_path, program)

    assert (outcome.status, outcome.stderr) == (0, "")
    assert outcome.messages()[:2] == ["hello", "at exit"]
    assert {"last words of a global", "last words of a cycle"} <= set(outcome.messages())


def test_threads_that_log_until_the_end(tmp_path: Path) -> None:
    """Daemon threads that still log while the program ends neither crash it nor tear a line."""
    program = """
    root = secured(shaped(seclog_handlers.SharedFileHandler("out.log")), heartbeat=0.01)
    def talk():
        while True:
            root.info("line")
    for _ in range(4):
        threading.Thread(target=talk, daemon=True).start()
    while not os.path.exists("out.log") or os.path.getsize("out.log") < 5_000:
        time.sleep(0.01)
    """

    outcome = run(tmp_path, program)

    assert (outcome.status, outcome.stderr) == (0, "")
    assert len(outcome.lines()) > 10


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_a_program_that_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    """Whatever ends the program, each record whose log call had returned is on a whole line."""
    program = f"""
    root = secured(shaped(logging.FileHandler("out.log")))
    for line in range(100):
        root.info("line %d", line)
    os.kill(os.getpid(), {int(number)})
    time.sleep(5)
    """

    outcome = run(tmp_path, program)

    assert outcome.messages() == [f"line {line}" for line in range(100)]
