"""SamplingFilter: what is left out, what never is, and how it is told."""

from __future__ import annotations

import json
import logging
import logging.config

import pytest

from seclog_handlers import ConfigurationError, SamplingFilter
from seclog_handlers.filters import sampling
from seclog_handlers.policy import Policy
from tests.support import Lines, record

T0 = 1_800_000_000.0


def event(
    kind: str | None = "api_request", when: float = T0, level: int = logging.INFO, **extra: object
) -> logging.LogRecord:
    made = record("event", **({"event_type": kind} if kind else {}), **extra)
    made.created, made.levelno = when, level
    return made


def kept(sampler: SamplingFilter, records: list[logging.LogRecord]) -> list[bool]:
    return [sampler.filter(one) for one in records]


class TestRate:
    def test_nothing_is_left_out_without_rules(self):
        """The default keeps everything."""
        assert all(kept(SamplingFilter(), [event() for _ in range(1000)]))

    def test_the_first_a_second_then_one_in_so_many(self):
        """first=3, then=5: records 1 to 3, 8, 13, 18 of a second are kept, and the next second starts anew."""
        sampler = SamplingFilter({"api_request": {"first": 3, "then": 5}})

        numbers = [number for number, passed in enumerate(kept(sampler, [event() for _ in range(20)]), 1) if passed]

        assert numbers == [1, 2, 3, 8, 13, 18]
        assert kept(sampler, [event(when=T0 + 1) for _ in range(4)]) == [True] * 3 + [False]

    def test_zero_keeps_none_of_the_rest(self):
        """then=0: after the first ones nothing passes in that second."""
        sampler = SamplingFilter({"api_request": {"first": 0, "then": 0}})

        assert not any(kept(sampler, [event() for _ in range(500)]))

    def test_only_what_a_rule_names(self):
        """Other event types, and records without one, pass."""
        sampler = SamplingFilter({"api_request": {"first": 0, "then": 0}})

        assert kept(sampler, [event("authentication"), event(None), event()]) == [True, True, False]

    def test_a_star_is_for_the_rest_each_kind_for_itself(self):
        """`*` counts every event type, and every logger of plain records, apart."""
        sampler = SamplingFilter({"*": {"first": 1, "then": 0}, "api_request": {"first": 2, "then": 0}})

        records = [event("a"), event("b"), event("a"), event(None), event(None), event(), event(), event()]

        assert kept(sampler, records) == [True, True, False, True, False, True, True, False]

    def test_a_logger_may_be_named(self):
        """Records without an event type go by their logger's name."""
        sampler = SamplingFilter({"app": {"first": 1, "then": 0}})

        assert kept(sampler, [event(None), event(None), event()]) == [True, False, True]

    def test_keys_are_counted_apart(self):
        """by=path: a busy path leaves the others alone; values of any type count."""
        sampler = SamplingFilter({"api_request": {"first": 1, "then": 0, "by": ["path", "method"]}})

        records = [
            event(path="/a"),
            event(path="/a"),
            event(path="/b"),
            event(path=["odd"]),
            event(path=["odd"]),
            event(),
        ]

        assert kept(sampler, records) == [True, False, True, True, False, True]

    def test_warnings_are_always_kept(self):
        """WARNING and above never go, unless `keep` says so."""
        rules = {"api_request": {"first": 0, "then": 0}}

        assert all(kept(SamplingFilter(rules), [event(level=logging.WARNING) for _ in range(100)]))
        assert SamplingFilter(rules, keep="ERROR").filter(event(level=logging.WARNING)) is False
        assert SamplingFilter(rules, keep="info").filter(event()) is True

    def test_late_records_count_in_the_present_second(self):
        """A record of the second before does not start it anew; a clock set back does."""
        sampler = SamplingFilter({"api_request": {"first": 1, "then": 0}})

        assert kept(sampler, [event(), event(when=T0 - 1), event()]) == [True, False, False]
        assert sampler.filter(event(when=T0 - 3600)) is True

    def test_memory_is_bounded(self, monkeypatch):
        """Keys beyond the limit of one second count together, names in the summary become 'other'."""
        monkeypatch.setattr(sampling, "MAX_KEYS", 10)
        monkeypatch.setattr(sampling, "MAX_NAMES", 3)
        by_path = SamplingFilter({"*": {"first": 1, "then": 0, "by": ["path"]}})
        by_kind = SamplingFilter({"*": {"first": 0, "then": 0}})

        passed = sum(kept(by_path, [event(path=f"/{number}") for number in range(100)]))
        kept(by_kind, [event(f"kind{number}") for number in range(10)])

        assert passed == 11
        assert by_kind.summary(None).left_out == {"kind0": 1, "kind1": 1, "kind2": 1, "other": 7}

    @pytest.mark.parametrize(
        "attributes", [{"created": "now"}, {"levelno": None}, {"name": None, "created": float("nan")}]
    )
    def test_what_cannot_be_judged_is_kept(self, attributes):
        """A record with attributes of the wrong type passes."""
        odd = event(None)
        odd.__dict__.update(attributes)

        assert SamplingFilter({"*": {"first": 0, "then": 0}}).filter(odd) is True


class TestSummary:
    RULES = {"api_request": {"first": 1, "then": 0}}

    def test_the_next_record_after_a_minute_says_it(self):
        """Whoever passes a minute after the first loss, of any kind, says how many of what were left out."""
        sampler = SamplingFilter(self.RULES)
        kept(sampler, [event() for _ in range(5)])
        soon, later, after = event(when=T0 + 30), event("authentication", T0 + 60), event("authentication", T0 + 61)
        kept(sampler, [soon, later, after])

        assert not hasattr(soon, "left_out")
        assert later.left_out == {"api_request": 4}
        assert not hasattr(after, "left_out")

    def test_an_applications_own_field_is_kept(self):
        """A field of that name moves to extra.left_out."""
        sampler = SamplingFilter(self.RULES)
        kept(sampler, [event(), event()])
        later = event("authentication", T0 + 60, left_out="mine")
        sampler.filter(later)

        assert later.left_out == {"api_request": 1}
        assert later.__dict__["extra.left_out"] == "mine"

    def test_two_outputs_say_each_their_own(self):
        """On a record that two handlers share, the second does not repeat the first one's count."""
        strict, loose = SamplingFilter(self.RULES), SamplingFilter({})
        kept(strict, [event(), event()])
        shared = event("authentication", T0 + 60)

        strict.filter(shared)
        loose.filter(shared)

        assert not hasattr(shared, "left_out")

    def test_a_record_of_its_own(self):
        """`summary` gives a record at most once a minute, and at the end what is left."""
        sampler = SamplingFilter(self.RULES, annotate=False)
        kept(sampler, [event() for _ in range(5)])

        early, due, empty = sampler.summary(T0 + 59), sampler.summary(T0 + 60), sampler.summary(None)
        kept(sampler, [event(when=T0 + 61) for _ in range(3)])
        last = sampler.summary(None)

        assert early is None
        assert (due.getMessage(), due.levelno, due.left_out, due.since, due.created) == (
            "records_left_out", logging.INFO, {"api_request": 4}, T0, T0 + 60,
        )  # fmt: skip
        assert empty is None
        assert last.left_out == {"api_request": 2}

    def test_every_record_is_written_or_counted(self):
        """What is kept and what is left out is all, exactly."""
        sampler = SamplingFilter({"*": {"first": 3, "then": 7, "by": ["path"]}}, annotate=False)
        records = [event(f"kind{n % 3}", T0 + n / 100, path=f"/{n % 5}") for n in range(5000)]

        passed = sum(kept(sampler, records))

        assert passed + sum(sampler.summary(None).left_out.values()) == 5000


class TestConfiguration:
    def test_stands_on_any_handler_of_a_dictconfig(self):
        """As a plain filter, without a SecurityHandler."""
        out = Lines()
        logging.config.dictConfig({
            "version": 1, "disable_existing_loggers": False,
            "filters": {"sampled": {"()": "seclog_handlers.SamplingFilter", "rules": {"*": {"first": "2", "then": 0}}}},
            "handlers": {"out": {"()": lambda: out, "filters": ["sampled"]}},
            "loggers": {"noisy": {"handlers": ["out"], "level": "DEBUG", "propagate": False}},
        })  # fmt: skip
        for _ in range(50):
            record = logging.makeLogRecord(
                {"name": "noisy", "msg": "again", "levelno": 20, "levelname": "INFO", "created": T0}
            )
            logging.getLogger("noisy").handle(record)

        assert [line["message"] for line in out.lines] == ["again", "again"]
        json.dumps(out.lines)

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            ({"rules": {"a": {"first": -1}}}, "sampling.a.first is -1"),
            ({"rules": {"a": {"than": 5}}}, "sampling.a.than is not known"),
            ({"rules": {"a": {"by": 5}}}, "sampling.a.by is 5"),
            ({"rules": {"a": 5}}, "sampling.a is 5"),
            ({"rules": [1]}, "sampling is [1]"),
            ({"keep": "LOUD"}, "sampling.keep is 'LOUD'"),
        ],
    )
    def test_says_what_is_wrong(self, arguments, text):
        """What was given, and the rule."""
        with pytest.raises(ConfigurationError) as error:
            SamplingFilter(**arguments)

        assert text in str(error.value)

    def test_an_ini_can_say_it(self, tmp_path):
        """The policy's section `sampling`, with dotted keys as text."""
        path = tmp_path / "seclog.ini"
        path.write_text("[seclog]\nsampling.api_request.first = 2\nsampling.api_request.then = 0\n"
                        "sampling.api_request.by = path, method\nsampling.*.first = 1\nsampling.keep = ERROR\n")  # fmt: skip

        sampler = Policy.load(str(path)).sampler()

        assert kept(sampler, [event(path="/a") for _ in range(3)]) == [True, True, False]
        assert sampler.filter(event(path="/b")) is True
        assert kept(sampler, [event("x", level=logging.WARNING) for _ in range(2)]) == [True, False]

    @pytest.mark.parametrize(
        "policy", [{}, {"sampling": "off", "sampling.a.first": 1}, {"mode": "off", "sampling.a.first": 1}]
    )
    def test_a_policy_without_rules_has_no_sampler(self, policy):
        """No rules, switched off, or the mode that passes everything on."""
        assert Policy(policy).sampler() is None

    @pytest.mark.parametrize(
        "policy",
        [
            {"sampling.a.firts": 1},
            {"sampling.a": 1},
            {"sampling.a.first": "many"},
            {"sampling.a.first": 1, "sampling.keep": "x"},
        ],
    )
    def test_a_wrong_policy_stops_the_start(self, policy):
        """Unknown settings and wrong values are errors."""
        with pytest.raises(ConfigurationError):
            Policy(policy).sampler()
