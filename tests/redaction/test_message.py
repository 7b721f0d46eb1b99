"""Redaction of a record's message: template and arguments stay fit for each other."""

from __future__ import annotations

import dataclasses
import enum
import logging
from typing import Any

import pytest

from seclog_handlers import _message
from seclog_handlers.redaction import Redactor

redactor = Redactor()
SECRET = "hunter2" + "Xy9!"
M = "[REDACTED]"


def rendered(msg: Any, args: Any) -> str:
    return logging.makeLogRecord({"msg": msg, "args": args}).getMessage()


CASES: list[tuple[Any, Any]] = [
    ("password=%s", (SECRET,)), ("%s=%s", ("password", SECRET)), ("login %s with password %s from %s", ("bob", SECRET, "10.0.0.1")), ("token: %r", (SECRET,)), ("%(user)s %(password)s", {"user": "bob", "password": SECRET}),
    ("%(x)s", {"x": "y", "secret": SECRET}), ("%s", ({"password": SECRET},)), ("%s", ([("api_key", SECRET)],)), ("%-20s|", (f"token={SECRET}",)), ("%.30s", (f"token={SECRET}",)), ("%*s", (40, f"token={SECRET}")), ("body %s", (f'{{"password": "{SECRET}"}}'.encode(),)),
    (f"password={SECRET} %d", (3,)), (f"password={SECRET} 100%", ()), ({"password": SECRET}, ()), (ValueError(f"password={SECRET}"), ()), ("%s", (ValueError(f"password={SECRET}"),)), (["a", {"token": SECRET}], None), ("%(a)s %(a)s", {"a": f"password={SECRET}"}), ("pin=%d", (48213,)),
    ("user=%s pass=%s", ("bob", f"{SECRET} and {SECRET}")), ("user %s password %s", ("bob", f"correct {SECRET}")), ("%(user)s password %(x)s", {"user": "bob", "x": f"a {SECRET}"}), ("Password for %s: %s", ("bob", f"a {SECRET}")),
]  # fmt: skip


@pytest.mark.parametrize(("msg", "args"), CASES)
def test_no_argument_hides_a_secret(msg: Any, args: Any) -> None:
    """A secret in template, argument, mapping or object goes, also one that only formatting reveals."""
    clean, values = redactor.message(msg, args)

    assert SECRET not in rendered(clean, values) + repr(clean) + repr(values)
    assert "48213" not in rendered(clean, values)


def test_clean_arguments_stay_as_they_are() -> None:
    """A message with nothing secret keeps its template, and its arguments their types."""
    args = ("bob", 5, 2.5, None)

    assert redactor.message("%s %d %.1f %s", args) == ("%s %d %.1f %s", args)


@pytest.mark.parametrize("template", ["%s", "got %s now", "%r", "100%% of %s", "%.40s", "%-60s|"])
@pytest.mark.parametrize("shown", [{"event": "login"}, {"a": {"b": [1, "x"]}}, {1: None}])
def test_a_mapping_as_the_one_argument_is_shown(template: str, shown: dict[Any, Any]) -> None:
    """`log.info("got %s", {"a": 1})`: logging makes the mapping the arguments, and the template shows it whole."""
    msg, args = redactor.message(template, shown)

    assert (msg, args) == (template, shown)
    assert rendered(msg, args) == template % (shown,)


@pytest.mark.parametrize("template", ["%s", "got %s now", "%r", "form: %s"])
def test_a_mapping_as_the_one_argument_loses_its_secrets(template: str) -> None:
    """Its secrets go, and what stands beside them stays."""
    msg, args = redactor.message(template, {"event": "login", "password": SECRET, "ok": True})

    assert rendered(msg, args) == template % ({"event": "login", "password": M, "ok": True},)


@pytest.mark.parametrize("template", ["%s %s", "%d", "%(a)s %s"])
def test_a_mapping_that_does_not_fit_is_withheld(template: str) -> None:
    """What logging itself could not show is not shown."""
    msg, args = redactor.message(template, {"password": SECRET})

    assert SECRET not in rendered(msg, args)
    assert "withheld" in rendered(msg, args)


def test_uvicorns_five_arguments_stay_five() -> None:
    """The AccessFormatter of uvicorn unpacks five arguments and makes an int of the last."""
    msg, args = redactor.message(
        '%s - "%s %s HTTP/%s" %d', ("1.2.3.4:5", "GET", f"/login?password={SECRET}&n=1", "1.1", 401)
    )

    assert args == ("1.2.3.4:5", "GET", f"/login?password={M}&n=1", "1.1", 401)
    assert msg == '%s - "%s %s HTTP/%s" %d'


class SafeAtoms(dict):  # type: ignore[type-arg]
    """As gunicorn has it."""

    def __getitem__(self, key: str) -> Any:
        if key.startswith("{"):
            key = key.lower()
        return super().get(key, "-")


def test_gunicorns_atoms_still_answer() -> None:
    """Mapping arguments stay a mapping that answers '-' and knows headers in any case, without their secrets."""
    atoms = SafeAtoms(
        {
            "h": "1.2.3.4",
            "r": f"GET /?token={SECRET} HTTP/1.1",
            "{authorization}i": f"Bearer {SECRET}",
            "{cookie}i": f"sid={SECRET}",
            "{x-a}i": "b",
        }
    )

    msg, args = redactor.message('%(h)s "%(r)s" %({X-A}i)s %({Missing}i)s %(zz)s', atoms)

    assert rendered(msg, args) == f'1.2.3.4 "GET /?token={M} HTTP/1.1" b - -'
    assert SECRET not in repr(args)
    assert args["{Authorization}i"] == M
    assert atoms["{cookie}i"] == f"sid={SECRET}"


@pytest.mark.parametrize(
    ("msg", "args", "problem"),
    [("%d", ("x",), "TypeError"), ("%s %s", ("x",), "TypeError"), ("%s", ("x", "y"), "TypeError"), ("%(a)s", ("x",), "TypeError"), ("%y", ("x",), "ValueError"), ("%300000000d", (1,), "FieldWidthError"), ("%*d", (300_000_000, 1), "FieldWidthError"), ("%(b)s", {"a": 1}, "KeyError")],
)  # fmt: skip
def test_wrong_arguments_are_withheld(msg: str, args: Any, problem: str) -> None:
    """Arguments that do not fit are printed nowhere; the template stays, with a note, and renders."""
    clean, values = redactor.message(f"{msg} password={SECRET}", args)

    assert values == ()
    assert rendered(clean, values) == f"{msg} password={M} [arguments withheld: {problem}]"


def test_a_changed_number_becomes_text() -> None:
    """A conversion whose argument is replaced becomes %s, the others keep theirs."""
    assert redactor.message("pin=%d n=%d", (482913, 5)) == ("pin=%s n=%d", (M, 5))


def test_percent_signs_survive_an_edited_template() -> None:
    """A secret in the literal part is edited there, with %% kept while arguments stay."""
    msg, args = redactor.message(f"100%% password={SECRET} %s", ("x",))

    assert rendered(msg, args) == f"100% password={M} x"


def test_hostile_arguments_raise_nothing() -> None:
    """Objects that raise in everything cost their own text only."""

    class Bad:
        def __str__(self) -> str:
            raise RuntimeError

        __repr__ = __str__
        __len__ = __bool__ = __iter__ = __eq__ = __str__  # type: ignore[assignment]
        __hash__ = None  # type: ignore[assignment]

    for args in ((Bad(),), Bad(), {"a": Bad()}, [Bad()]):
        msg, values = redactor.message("%s", args)

        assert isinstance(rendered(msg, values), str)


def test_rewrite_maps_a_span_over_several_arguments() -> None:
    """A finding over literal text and two arguments empties all of it, and the arity stays."""
    msg, args = _message.rewrite("a %s-%s z", ("xx", "yy"), lambda text: [(text.index("x"), text.index("y") + 2, "T")])

    assert rendered(msg, args) == "a T z"
    assert len(args) == 2


def test_rewrite_reads_messages_that_are_no_text() -> None:
    """Dict messages are rewritten inside, in new containers."""
    message = {"user": "bob", "list": ["bob", 1]}

    clean, args = _message.rewrite(message, (), lambda text: [(0, 3, "T")] if text == "bob" else [])

    assert (clean, args) == ({"user": "T", "list": ["T", 1]}, ())
    assert message == {"user": "bob", "list": ["bob", 1]}


def test_an_argument_after_a_name_is_a_secret_as_a_whole() -> None:
    """Where a template names its argument, spaces do not end the secret, and words of a status stay."""
    assert rendered(*redactor.message("login %s with password %s now", ("bob", "Sommer am Meer"))) == (
        f"login bob with password {M} now"
    )
    assert rendered(*redactor.message("password %s for %s", ("expired", "bob"))) == "password expired for bob"


class Color(enum.Enum):
    RED = "#f00"
    DB_PASSWORD = SECRET


@pytest.mark.parametrize("template", ["paint it %s", "%s and more", "%-12s|"])
def test_a_member_of_an_enumeration_is_shown_by_its_name(template: str) -> None:
    """As logging does: `Color.RED`, not what it stands for."""
    assert rendered(*redactor.message(template, (Color.RED,))) == template % (Color.RED,)


def test_a_member_is_judged_by_its_name() -> None:
    """Settings kept in an enumeration show no secret, in a message or a field."""
    assert SECRET not in rendered(*redactor.message("%s %r", (Color.DB_PASSWORD, Color.DB_PASSWORD)))
    assert redactor.value({"it": [Color.DB_PASSWORD, Color.RED]}) == {"it": [M, "#f00"]}


@dataclasses.dataclass
class Job:
    name: str
    password: str = ""
    pin: int = 0


class Machine:
    def __repr__(self) -> str:
        return "<Machine id=717 100%>"


class Opaque(Job):
    """Shows its fields as no text is written."""

    def __repr__(self) -> str:
        return f"{self.name} {self.password} {self.pin}"


class Half(Job):
    """Shows a part of what it holds, in its own way."""

    def __repr__(self) -> str:
        return f"{self.name} {self.password[:7].upper()}"


@pytest.mark.parametrize("template", ["%s", "job %r done", "%-40s|", "%.9r", "100%% of %s", "%a"])
@pytest.mark.parametrize(
    "value", [Job("rebuild"), Machine(), OSError(104, "reset"), Color.RED, ValueError("no")], ids=repr
)
def test_objects_are_shown_as_logging_shows_them(template: str, value: Any) -> None:
    """Where nothing in it is secret, an object's text and its repr stay as they are."""
    assert rendered(*redactor.message(template, (value,))) == template % (value,)


@pytest.mark.parametrize("template", ["%s", "%r"])
def test_an_object_with_a_secret_keeps_the_rest(template: str) -> None:
    """What the text tells is taken out of it; what only the structure tells takes the structure's form."""
    assert rendered(*redactor.message(template, (Job("bob", SECRET, 4821),))) == (
        f"Job(name='bob', password='{M}', pin={M})"
    )
    for shape, name in ((Opaque, "bob"), (Opaque, f"bob {M} {M} {M}"), (Half, "bob"), (Half, f"bob {M} {M} {M}")):
        shown = rendered(*redactor.message(template, (shape(name, SECRET, 4821),)))
        assert SECRET[:7].lower() not in shown.lower()
        assert "4821" not in shown
        assert "bob" in shown
