"""`seclog check` on real files, as a process."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from seclog_handlers.cli.check_traps import CARD, COOKIE, PASSWORD, TOKEN
from tests.cli.command import checked, codes, seclog
from tests.cli.configurations import KEY, POLICY, handlers, ini, mapping, write

RAW = {"class": "logging.StreamHandler"}


def where(report: dict[str, Any], code: str) -> list[str]:
    return [finding["where"] for finding in report["findings"] if finding["code"] == code]


def test_a_sound_configuration_is_clean(tmp_path: Path) -> None:
    """Status 0, no finding, every output protected; INI and dictConfig alike."""
    for config in (ini(), mapping()):
        report = checked(write(tmp_path, config), "--server", "uvicorn", cwd=tmp_path)

        assert (report["error"], codes(report), report["status"]) == (None, set(), 0)
        assert [row["raw"] for row in report["handlers"]] == [False]


def test_the_traps_are_shown_before_and_after(tmp_path: Path) -> None:
    """Ten records: what the stdlib writes shows secrets, what this configuration writes shows none."""
    report = checked(write(tmp_path, ini()), cwd=tmp_path)

    before = "".join(trap["before"] for trap in report["traps"])
    after = [after["line"] for trap in report["traps"] for after in trap["after"]]
    secrets = (PASSWORD, TOKEN, COOKIE, CARD)
    assert len(report["traps"]) == 10
    assert [secret for secret in secrets if secret not in before] == []
    assert [secret for secret in secrets if secret in "".join(after)] == []
    assert all(isinstance(json.loads(line), dict) for line in after)
    assert len(after) == 10


def test_text_output_says_everything(tmp_path: Path) -> None:
    """The text names each finding with why and the way out, the handlers, the traps and the status."""
    name = write(tmp_path, mapping(handlers=handlers(raw=RAW), root={"level": "INFO", "handlers": ["secure", "raw"]}))

    done = seclog("check", name, cwd=tmp_path)

    assert done.returncode == 1
    for words in (
        "1. ",
        "raw-records: handler raw (logging.StreamHandler)",
        "way out",
        "RAW",
        "before",
        "after",
    ):
        assert words in done.stdout
    assert done.stdout.splitlines()[-1].endswith("Exit status 1.")
    assert "\x1b" not in done.stdout


def test_text_output_of_a_clean_file_ends_with_the_status(tmp_path: Path) -> None:
    """A clean file says so."""
    done = seclog("check", write(tmp_path, ini()), "--server", "plain", cwd=tmp_path)

    assert done.returncode == 0
    assert "clean (0 findings" in done.stdout.splitlines()[-1]


def test_formats_and_modules_say_the_same(tmp_path: Path) -> None:
    """JSON, TOML and module:DICT give the same findings for the same configuration."""
    config = mapping(root={"level": "WARNING", "handlers": ["secure"]}, disable_existing_loggers=True)
    toml = "\n".join(
        ["version = 1", "disable_existing_loggers = true", "[root]", 'level = "WARNING"', 'handlers = ["secure"]']
        + ["[formatters.json]", '"()" = "seclog_handlers.JsonFormatter"']
        + [
            f"[handlers.{name}]\n" + "\n".join(
                f"{key} = {json.dumps(value)}" for key, value in part.items() if key != "policy"
            ) + (f"\npolicy.pseudonyms.keys = [{json.dumps(KEY)}]\npolicy.geoip.database = []" if "policy" in part else "")
            for name, part in handlers().items()
        ],
    )  # fmt: skip
    (tmp_path / "logging.toml").write_text(toml)
    (tmp_path / "conf.py").write_text(f"LOGGING = {config!r}")

    reports = [checked(name, cwd=tmp_path) for name in (write(tmp_path, config), "logging.toml", "conf:LOGGING")]

    assert [report["error"] for report in reports] == [None] * 3
    assert [codes(report) for report in reports] == [{"level-hides-events", "disables-existing-loggers"}] * 3


def test_yaml_is_read_where_the_package_is(tmp_path: Path) -> None:
    """YAML needs PyYAML; without it the message says so."""
    (tmp_path / "logging.yaml").write_text(json.dumps(mapping()))

    report = checked("logging.yaml", cwd=tmp_path)

    try:
        import yaml  # noqa: F401
    except ImportError:
        assert "PyYAML" in report["error"]
    else:
        assert report["status"] == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[loggers", "no valid INI file"),
        ("", "section"),
        (ini().replace("StreamHandler", "NoSuchHandler"), "NoSuchHandler"),
        (ini().replace("target = out", "target = nowhere", 1), "nowhere"),
        (ini().replace("'geoip'", "'geoipp'"), "did you mean 'geoip'"),
    ],
)
def test_what_cannot_be_loaded_is_status_2_with_the_real_reason(text: str, said: str, tmp_path: Path) -> None:
    """The innermost reason is shown, not only the exception that dictConfig or fileConfig wraps around it."""
    report = checked(write(tmp_path, text), cwd=tmp_path)

    assert report["status"] == 2
    assert said in report["error"]


def test_a_dict_config_shows_the_wrapped_reason(tmp_path: Path) -> None:
    """A dictConfig says "Unable to configure handler"; the ConfigurationError behind it is shown as well."""
    broken = handlers()
    broken["secure"]["policy"] = {**POLICY, "no_such_key": 1}

    report = checked(write(tmp_path, mapping(handlers=broken)), cwd=tmp_path)

    assert "Unable to configure handler" in report["error"]
    assert "no_such_key" in report["error"]


@pytest.mark.parametrize("name", ["missing.ini", "no_such_module:LOGGING", "json:no_such_name", "json:dumps"])
def test_what_is_not_there_is_one_sentence(name: str, tmp_path: Path) -> None:
    """A missing file, module or attribute is status 2 without a traceback."""
    done = seclog("check", name, cwd=tmp_path)

    assert done.returncode == 2
    assert "Traceback" not in done.stdout + done.stderr


def test_a_broken_file_does_not_quote_its_lines(tmp_path: Path) -> None:
    """A parse error names the place; the line itself may hold a key."""
    report = checked(write(tmp_path, f"[seclog]\n{KEY}\n"), cwd=tmp_path)

    assert report["status"] == 2
    assert KEY not in report["error"]


def test_a_configuration_that_hangs_is_ended(tmp_path: Path) -> None:
    """Loading has a time limit; what was found in the text before stays."""
    text = ini(handler_out="class = StreamHandler\nargs = (__import__('time').sleep(600),)\nfilters = x")

    for seconds in ("3", "60"):  # a busy machine may need longer to say what comes before
        report = checked(write(tmp_path, text), "--timeout", seconds, cwd=tmp_path)
        if report["findings"]:
            break

    assert report["status"] == 2
    assert f"not loaded within {seconds} s" in report["error"]
    assert "ini-filters-ignored" in codes(report)


@pytest.mark.parametrize("code", ["__import__('os').abort()", "__import__('sys').exit(3)"])
def test_a_configuration_that_dies_is_status_2(code: str, tmp_path: Path) -> None:
    """Whatever the loaded code does happens to the child, not to the check."""
    report = checked(write(tmp_path, ini(handler_out=f"class = StreamHandler\nargs = ({code},)")), cwd=tmp_path)

    assert report["status"] == 2


def test_no_file_of_the_user_is_touched(tmp_path: Path) -> None:
    """A log in mode 'w' keeps its lines; no state, spool or log file appears, nobody is alerted."""
    (tmp_path / "app.log").write_text("precious\n")
    config = mapping(
        handlers=handlers(
            out={"class": "logging.FileHandler", "filename": "app.log", "mode": "w", "formatter": "json"},
            other={
                "class": "logging.handlers.RotatingFileHandler",
                "filename": "other.log",
                "formatter": "json",
            },
            pager={
                "class": "seclog_handlers.AlertHandler",
                "channels": ["http://127.0.0.1:9/"],
                "spool": "spool",
            },
        ),
    )
    config["handlers"]["secure"]["targets"] = ["escalate", "other"]
    config["handlers"]["escalate"]["targets"] = ["pager"]
    name = write(tmp_path, config)

    report = checked(name, cwd=tmp_path)

    assert report["error"] is None
    assert (tmp_path / "app.log").read_text() == "precious\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.log", name]


def test_every_raw_handler_is_named(tmp_path: Path) -> None:
    """A handler that gets records as they were logged is named, with the loggers, and its lines leak."""
    config = mapping(
        handlers=handlers(raw=RAW),
        loggers={"shop": {"handlers": ["raw"]}, "quiet": {"handlers": ["raw"], "propagate": False}},
    )

    report = checked(write(tmp_path, config), cwd=tmp_path)

    assert where(report, "raw-records") == ["handler raw (logging.StreamHandler)"]
    assert where(report, "secret-in-output") == ["handler raw (logging.StreamHandler)"]
    assert where(report, "logger-not-covered") == ["logger quiet"]
    assert {row["handler"]: row["raw"] for row in report["handlers"]}["raw (logging.StreamHandler)"] is True


def test_a_handler_with_a_redaction_filter_is_protected(tmp_path: Path) -> None:
    """The stages may stand on a plain handler too; its stdlib formatter still lets lines be forged."""
    config = mapping(
        filters={"redact": {"()": "seclog_handlers.RedactionFilter"}},
        handlers={"out": {"class": "logging.StreamHandler", "filters": ["redact"]}},
        root={"level": "INFO", "handlers": ["out"]},
    )

    report = checked(write(tmp_path, config), cwd=tmp_path)

    assert codes(report) == {"forged-line"}


def test_a_configuration_without_the_pack_says_so(tmp_path: Path) -> None:
    """With no SecurityHandler there is one such finding, and the raw handler."""
    report = checked(write(tmp_path, mapping(handlers={"out": RAW}, root={"handlers": ["out"]})), cwd=tmp_path)

    assert {"no-security-handler", "raw-records", "secret-in-output"} <= codes(report)
    assert "logger-not-covered" not in codes(report)


def test_double_counting_is_found(tmp_path: Path) -> None:
    """gunicorn.access with the handler of the root above it, and propagate=1, counts each request twice."""
    logger = "level = INFO\nqualname = gunicorn.access\nhandlers = secure\npropagate = {}"
    keys = "keys = root, access"

    twice = checked(write(tmp_path, ini(loggers=keys, logger_access=logger.format(1))), cwd=tmp_path)
    once = checked(write(tmp_path, ini(loggers=keys, logger_access=logger.format(0))), cwd=tmp_path)

    assert where(twice, "double-counting") == ["logger gunicorn.access"]
    assert where(once, "double-counting") == []


def test_gunicorns_loggers_must_be_named(tmp_path: Path) -> None:
    """Behind gunicorn the access records do not propagate, and its error logger keeps a raw handler."""
    report = checked(write(tmp_path, ini()), "--server", "gunicorn", cwd=tmp_path)

    assert where(report, "logger-not-covered") == ["logger gunicorn.access", "logger gunicorn.error"]
    assert where(report, "raw-records") == ["handler unnamed (logging.StreamHandler)"]


def test_the_shipped_example_covers_the_servers(tmp_path: Path) -> None:
    """logging.ini.example lacks a key and shared state, as it says itself, and nothing else."""
    text = (Path(__file__).resolve().parents[2] / "logging.ini.example").read_text(encoding="utf-8")

    report = checked(write(tmp_path, text), "--server", "gunicorn", cwd=tmp_path)

    assert codes(report) == {"no-pseudonym-key", "memory-state"}


def test_memory_state_is_no_matter_for_one_process(tmp_path: Path) -> None:
    """Only several workers need shared state; unknown is advice."""
    text = ini().replace("sqlite:///state.db", "memory://")
    name = write(tmp_path, text)

    reports = {server: checked(name, "--server", server, cwd=tmp_path) for server in ("plain", "gunicorn")}
    unknown = checked(name, cwd=tmp_path)

    assert "memory-state" not in codes(reports["plain"]) | codes(reports["plain"], "advice")
    assert "memory-state" in codes(reports["gunicorn"])
    assert "memory-state" in codes(unknown, "advice")


def test_a_rotating_file_is_no_file_for_workers(tmp_path: Path) -> None:
    """Several workers must not rotate one file."""
    config = mapping()
    config["handlers"]["out"] = {"class": "logging.handlers.RotatingFileHandler", "filename": "a.log"}
    name = write(tmp_path, config)

    assert "rotating-file-shared" in codes(checked(name, "--server", "uvicorn", cwd=tmp_path))
    assert "rotating-file-shared" not in codes(checked(name, "--server", "plain", cwd=tmp_path))


def test_places_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    """A state file in a missing folder and a spool under a file are found before the first attack."""
    (tmp_path / "file").write_text("")
    config = mapping(
        handlers=handlers(
            pager={
                "class": "seclog_handlers.AlertHandler",
                "channels": ["http://127.0.0.1:9/"],
                "spool": "file/spool",
            },
        ),
    )
    config["handlers"]["escalate"].update(state="sqlite:///missing/state.db", targets=["pager"])

    report = checked(write(tmp_path, config), cwd=tmp_path)

    assert sorted(where(report, "path-not-writable")) == [
        "handler escalate (seclog_handlers.EscalationHandler)",
        "handler pager (seclog_handlers.AlertHandler)",
    ]


def test_a_mode_that_switches_off_is_named(tmp_path: Path) -> None:
    """SECLOG_MODE=off leaves records raw, and check sees it."""
    report = checked(write(tmp_path, ini()), cwd=tmp_path, SECLOG_MODE="off")

    assert {"mode-not-full", "raw-records"} <= codes(report)


def test_disabled_loggers_are_named(tmp_path: Path) -> None:
    """A logger that the loading disables, or that logging.disable silences, is named."""
    (tmp_path / "conf.py").write_text(
        "import logging; logging.getLogger('early')\nlogging.disable(logging.INFO)\n"
        f"LOGGING = {mapping(disable_existing_loggers=True)!r}",
    )

    report = checked("conf:LOGGING", cwd=tmp_path)

    assert where(report, "logger-disabled") == ["logger early"]
    assert "logging-disabled" in codes(report)


def test_alembics_own_configuration_is_found(tmp_path: Path) -> None:
    """An env.py beside the configuration that calls fileConfig with its default disables loggers."""
    (tmp_path / "alembic").mkdir()
    (tmp_path / "alembic" / "env.py").write_text("fileConfig(config.config_file_name)")
    name = write(tmp_path, ini())

    before = checked(name, cwd=tmp_path)
    (tmp_path / "alembic" / "env.py").write_text("fileConfig(name, disable_existing_loggers = False)")

    assert "library-disables-loggers" in codes(before)
    assert "library-disables-loggers" not in codes(checked(name, cwd=tmp_path))


def test_a_filter_on_a_logger_is_found(tmp_path: Path) -> None:
    """A filter on the root logger misses every child's records."""
    config = mapping(
        filters={"redact": {"()": "seclog_handlers.RedactionFilter"}},
        root={"level": "INFO", "handlers": ["secure"], "filters": ["redact"]},
    )

    assert where(checked(write(tmp_path, config), cwd=tmp_path), "filter-on-logger") == ["logger root"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="dictConfig makes listeners from 3.12 on")
def test_a_listener_that_nobody_starts_is_found(tmp_path: Path) -> None:
    """A QueueHandler of a dictConfig has a listener that is not started; what stands behind it is seen."""
    config = mapping(
        handlers=handlers(queue={"class": "logging.handlers.QueueHandler", "handlers": ["secure"]}),
        root={"level": "INFO", "handlers": ["queue"]},
    )

    report = checked(write(tmp_path, config), cwd=tmp_path)

    assert where(report, "queue-listener-not-started") == ["handler queue (logging.handlers.QueueHandler)"]
    assert "raw-records" not in codes(report)


def test_a_bare_queue_is_raw_and_unheard(tmp_path: Path) -> None:
    """A QueueHandler without a listener passes raw records to nobody knows whom."""
    text = ini(
        handlers="keys = secure, escalate, out, queue",
        handler_queue="class = handlers.QueueHandler\nargs = (__import__('queue').Queue(),)",
        logger_root="level = INFO\nhandlers = secure, queue",
    )

    report = checked(write(tmp_path, text), cwd=tmp_path)

    assert {"queue-listener-not-started", "raw-records"} <= codes(report)


def test_stdlib_memory_handlers_are_looked_through(tmp_path: Path) -> None:
    """What a buffering handler holds back ends at its target."""
    config = mapping(
        handlers=handlers(
            raw=RAW, buffer={"class": "logging.handlers.MemoryHandler", "capacity": 100, "target": "raw"},
        ),
        root={"level": "INFO", "handlers": ["secure", "buffer"]},
    )  # fmt: skip

    report = checked(write(tmp_path, config), cwd=tmp_path)

    assert where(report, "raw-records") == ["handler raw (logging.StreamHandler)"]
    assert where(report, "secret-in-output") == ["handler raw (logging.StreamHandler)"]


def test_relative_paths_work_from_here(tmp_path: Path) -> None:
    """%(here)s is passed when the file uses it, and advice says who else passes it."""
    os.mkdir(tmp_path / "logs")
    name = write(tmp_path, ini(handler_out="class = FileHandler\nargs = ('%(here)s/logs/a.log',)\nformatter = json"))

    report = checked(name, cwd=tmp_path)

    assert report["error"] is None
    assert "here-not-passed" in codes(report, "advice")
    assert "here-not-passed" not in codes(checked(name, "--server", "gunicorn", cwd=tmp_path), "advice")


def test_what_the_pack_says_at_the_start_is_repeated(tmp_path: Path) -> None:
    """A warning at configuration time is advice in the report."""
    (tmp_path / "conf.py").write_text(
        f"import warnings\nwarnings.warn('half of it works')\nLOGGING = {mapping()!r}\n"
        "class H(__import__('logging').StreamHandler):\n"
        "    def __init__(self):\n        super().__init__()\n        warnings.warn('half of it works')\n"
        "LOGGING['handlers']['out'] = {'()': H}\n",
    )

    report = checked("conf:LOGGING", cwd=tmp_path)

    assert [f["what"] for f in report["findings"] if f["code"] == "said-at-start"] == ["half of it works"]


def test_a_handlers_own_level_hides_events_too(tmp_path: Path) -> None:
    """A SecurityHandler above INFO sees no successful login."""
    config = mapping()
    config["handlers"]["secure"]["level"] = "ERROR"

    report = checked(write(tmp_path, config), cwd=tmp_path)

    assert where(report, "level-hides-events") == ["handler secure (seclog_handlers.SecurityHandler)"]


def test_what_the_pack_tells_stderr_is_repeated(tmp_path: Path) -> None:
    """A SecurityHandler without a target writes to stderr and says so; check repeats it."""
    config = mapping()
    del config["handlers"]["secure"]["target"]
    config["handlers"]["secure"]["targets"] = []

    report = checked(write(tmp_path, config), cwd=tmp_path)

    told = [finding["what"] for finding in report["findings"] if finding["code"] == "said-at-start"]
    assert len(told) == 1
    assert "no target" in told[0]


def test_a_missing_folder_of_a_log_file_cannot_load(tmp_path: Path) -> None:
    """A file that the server could not open is found, though check opens none."""
    config = mapping()
    config["handlers"]["out"] = {"class": "logging.FileHandler", "filename": "missing/app.log"}

    report = checked(write(tmp_path, config), cwd=tmp_path)

    assert report["status"] == 2
    assert "No such file or directory" in report["error"]


def test_long_lists_of_loggers_are_cut(tmp_path: Path) -> None:
    """A raw handler that many loggers share is one finding with a few names."""
    config = mapping(
        handlers=handlers(raw=RAW),
        loggers={f"shop.part{number}": {"handlers": ["raw"]} for number in range(9)},
    )

    report = checked(write(tmp_path, config), cwd=tmp_path)

    (finding,) = [finding for finding in report["findings"] if finding["code"] == "raw-records"]
    assert "shop.part0, shop.part1, shop.part2, shop.part3 and 5 more" in finding["what"]


def test_a_judge_that_is_reached_twice_counts_twice(tmp_path: Path) -> None:
    """An EscalationHandler on the root, beside the SecurityHandler whose target it is, sees each event twice."""
    report = checked(write(tmp_path, mapping(root={"level": "INFO", "handlers": ["secure", "escalate"]})), cwd=tmp_path)

    assert where(report, "double-counting") == ["logger root"]


def test_what_nothing_leads_to_is_named(tmp_path: Path) -> None:
    """A handler of the pack that is configured and reached by nothing does nothing: INI and dictConfig alike."""
    config = mapping()
    del config["handlers"]["secure"]["targets"]
    lonely = ini().replace(", 'targets': ('escalate',)", "")

    for text in (config, lonely):
        report = checked(write(tmp_path, text), cwd=tmp_path)

        assert where(report, "handler-unused") == ["handler escalate (seclog_handlers.EscalationHandler)"]


def test_a_pager_that_gets_no_alerts_is_named(tmp_path: Path) -> None:
    """An AlertHandler in the SecurityHandler's targets ignores all that it is given."""
    config = mapping(
        handlers=handlers(pager={"class": "seclog_handlers.AlertHandler", "channels": ["http://127.0.0.1:9/"]})
    )
    config["handlers"]["secure"]["targets"] = ["escalate", "pager"]
    wrong = checked(write(tmp_path, config), cwd=tmp_path)
    config["handlers"]["secure"]["targets"] = ["escalate"]
    config["handlers"]["escalate"]["targets"] = ["pager"]
    right = checked(write(tmp_path, config), cwd=tmp_path)

    assert where(wrong, "no-alerts-arrive") == ["handler pager (seclog_handlers.AlertHandler)"]
    assert {"no-alerts-arrive", "handler-unused"} & codes(right) == set()


def test_a_target_that_writes_little_is_advice(tmp_path: Path) -> None:
    """The level of a target keeps lines out of the log that the rules have seen."""
    config = mapping()
    config["handlers"]["out"]["level"] = "ERROR"

    report = checked(write(tmp_path, config), "--server", "plain", cwd=tmp_path)

    assert where(report, "level-hides-lines") == ["handler out (logging.StreamHandler)"]
    assert report["status"] == 0


def test_a_target_that_nobody_reads_is_named(tmp_path: Path) -> None:
    """A file ignores the `target` of a handler that is no MemoryHandler."""
    text = ini().replace("args = (sys.stdout,)", "args = (sys.stdout,)\ntarget = escalate")

    assert where(checked(write(tmp_path, text), cwd=tmp_path), "ini-target-ignored") == [
        "handler out (logging.StreamHandler)"
    ]


@pytest.mark.parametrize(("policy", "unused"), [("{}", True), ("'logging.ini'", False), ("os.environ['P']", False)])
def test_a_policy_section_that_nobody_reads_is_named(policy: str, unused: bool, tmp_path: Path) -> None:
    """The section [seclog] is the policy of those who name the file only."""
    text = ini(
        seclog="service = shop",
        handler_secure=f"class = seclog_handlers.SecurityHandler\nkwargs = {{'policy': {policy}, 'targets': ('escalate',)}}\ntarget = out",
    )

    assert bool(where(checked(write(tmp_path, text), cwd=tmp_path), "policy-section-unused")) is unused
