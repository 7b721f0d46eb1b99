"""The configurations that docs/ shows for programs without a server, run as they stand."""

from __future__ import annotations

import pytest

from tests.servers.harness import DOCS, EXAMPLES, Launcher, Program, recipes

FRAMEWORKS, ADOPTING = recipes("frameworks.md"), recipes("adopting.md")


def run(launch: Launcher, files: dict[str, str], config: str, **env: str) -> Program:
    launch.write(files)
    launch.write({"job.py": (EXAMPLES / "daemon.py").read_text(encoding="utf-8")})
    program = launch.run("job", config, **env)
    assert program.process.wait(150) == 0, program.stderr
    return program


def test_a_daemon(launch: Launcher) -> None:
    """Five failures of one address alert once, and a request of another kind is a request."""
    program = run(launch, FRAMEWORKS, "daemon.ini")

    lines = program.lines("security.log")
    alerts = [line for line in lines if line.get("incident_state") == "open"]
    (answer,) = [line for line in lines if line.get("event_type") == "api_response"]
    assert len(alerts) == 1
    assert (answer["status_code"], answer["response_size"]) == (200, 17)
    assert next(line for line in lines if line["message"] == "working")["request_id"] == answer["request_id"]
    assert not any("bob" in str(line) for line in lines)


def test_shadow_leaves_the_old_file_as_it_was(launch: Launcher) -> None:
    """In the first step the old output is the same text as before, and the new one stands beside it."""
    run(launch, ADOPTING, "before.ini")
    before = without_times(launch, "app.log")
    (launch.folder / "app.log").unlink()

    program = run(launch, ADOPTING, "shadow.ini")

    assert without_times(launch, "app.log") == before
    assert "login failed for bob" in before[0]
    assert sum(line.get("incident_state") == "open" for line in program.lines("security.log")) == 1


def test_dual_redacts_both(launch: Launcher) -> None:
    """In the second step the old file keeps its format and loses what is personal."""
    program = run(launch, ADOPTING, "dual.ini")

    old = without_times(launch, "app.log")
    assert old[0].startswith("WARNING daemon login failed for usr_")
    assert sum(line.get("incident_state") == "open" for line in program.lines("security.log")) == 1


def test_cut_over_keeps_the_names_that_parsers_know(launch: Launcher) -> None:
    """In the third step there is one output, with the fields renamed."""
    program = run(launch, ADOPTING, "cutover.ini")

    failure = program.lines("app.log")[0]
    assert (failure["client_ip"], failure["severity_text"]) == ("203.0.113.7", "WARNING")
    assert failure["@timestamp"].endswith("Z")
    assert not {"ip_address", "level", "timestamp"} & failure.keys()


@pytest.mark.parametrize("mode", ["off", "redact", "observe", "full"])
def test_no_mode_loses_a_line(launch: Launcher, mode: str) -> None:
    """Whatever SECLOG_MODE says, what the application logged is in the output."""
    program = run(launch, ADOPTING, "cutover.ini", SECLOG_MODE=mode)

    lines = program.lines("app.log")
    assert sum(line["message"].startswith("login failed for") for line in lines) == 5
    assert ("bob" in lines[0]["message"]) == (mode == "off")


def test_every_file_of_the_pages_is_run() -> None:
    """A block that names a file is written out by a test of this folder."""
    tests = "".join(path.read_text(encoding="utf-8") for path in (DOCS.parent / "tests" / "servers").glob("*.py"))

    imported_by_examples = {"django_logging.py"}
    assert {name for name in (*FRAMEWORKS, *ADOPTING) if name not in tests} <= imported_by_examples


def without_times(launch: Launcher, name: str) -> list[str]:
    """Return the lines of a text log without their timestamps and request ids."""
    lines = (launch.folder / name).read_text(encoding="utf-8").splitlines()
    return [line.split(" ", 2)[2] for line in lines]
