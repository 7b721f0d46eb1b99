"""A program that forks while its threads log."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.servers.harness import Launcher

CHILDREN = 150
PROGRAM = """
import logging, os, select, signal, threading, time, warnings
import seclog_handlers

warnings.simplefilter("ignore")  # Python 3.12 warns of forks in a program with threads: that is what this one is for
out = logging.FileHandler("fork.log")
out.setFormatter(seclog_handlers.JsonFormatter())
policy = {"pseudonyms.keys": ["k1:0123456789abcdef0123456789abcdef"], "service": "forks"}
root = logging.getLogger()
root.setLevel(logging.INFO)
root.addHandler(seclog_handlers.SecurityHandler(target=out, policy=policy))
running = True

def talk(name):
    while running:
        root.info("from %s", name, extra={"username": name})

threads = [threading.Thread(target=talk, args=(f"thread-{number}",)) for number in range(4)]
for thread in threads:
    thread.start()

hung, children = 0, {}
for number in range(CHILDREN):
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # a child that hangs ends all the same
        root.info("child %d", number, extra={"username": f"child-{number}"})
        os._exit(0)
    children[child] = number
    if len(children) >= 10:
        done, status = os.wait()
        children.pop(done)
        hung += status != 0
while children:
    done, status = os.wait()
    children.pop(done)
    hung += status != 0
running = False
for thread in threads:
    thread.join()
print(hung)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_no_child_hangs(launch: Launcher) -> None:
    """None of 150 children, forked while four threads log through a SecurityHandler to a file, hangs in its log call."""
    launch.write({"forks.py": PROGRAM.replace("CHILDREN", str(CHILDREN))})

    program = launch.run("forks")
    program.process.wait(240)

    lines = program.lines("fork.log")
    said = [line["message"] for line in lines if line["message"].startswith("child ")]
    assert program.stdout.split() == ["0"], program.stderr
    assert len(said) == CHILDREN
    assert json.dumps(lines).count("Traceback") == 0
