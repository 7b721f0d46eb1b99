"""Tracebacks as Python prints them, only cheaper and bounded; and their fingerprints."""

from __future__ import annotations

import builtins
import linecache
import sys
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers.enrichment import _frames, stack
from seclog_handlers.enrichment.stack import MAX_CHARS, fingerprint, format_exception

ExceptionGroup = getattr(builtins, "ExceptionGroup", None)
groups = pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups came with Python 3.11")


def printed(error: BaseException) -> str:
    """What Python prints, without the lines of carets."""
    lines = "".join(traceback.format_exception(error)).splitlines()
    return "\n".join(line for line in lines if not line.strip(" |") or set(line.strip(" |")) - set("~^"))


def caught(function, *args) -> BaseException:
    try:
        function(*args)
    except BaseException as error:
        return error
    raise AssertionError


def fail(depth: int = 0, error: BaseException | None = None) -> None:
    if depth:
        fail(depth - 1, error)
    raise error or ValueError("some text")


def fail_with_cause() -> None:
    try:
        fail()
    except ValueError as error:
        raise KeyError("later") from error


def fail_with_context() -> None:
    try:
        fail_with_cause()
    except KeyError:
        fail(2, RuntimeError("while handling"))


def fail_without_context() -> None:
    try:
        fail()
    except ValueError:
        raise LookupError("only this") from None


class Custom(Exception):
    class Inner(Exception):
        pass


class TestText:
    @pytest.mark.parametrize(
        "function",
        [fail, fail_with_cause, fail_with_context, fail_without_context, lambda: fail(3), lambda: fail(200)],
    )
    def test_is_what_python_prints(self, function):
        """Frames, causes, contexts, suppressed contexts and repeated lines look as they always do."""
        error = caught(function)

        assert format_exception(error) == printed(error)

    @pytest.mark.parametrize(
        "error",
        [
            ValueError(), ValueError(""), ValueError("two\nlines"), KeyError("key"), OSError(2, "gone", "/x"),
            Custom("own"), Custom.Inner("nested"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), KeyboardInterrupt(),
            SystemExit(3), ValueError("\ud800"),
        ],
        ids=repr,
    )  # fmt: skip
    def test_of_many_types(self, error):
        """The last line is Python's, for exceptions that were raised and for those that never were."""
        assert format_exception(error) == printed(error)
        assert format_exception(caught(fail, 1, error)) == printed(error)

    def test_of_syntax_errors(self):
        """The file, line and text of a syntax error are shown."""
        error = caught(compile, "x = = 1\n", "given.py", "exec")

        assert format_exception(error) == printed(error)
        assert 'File "given.py", line 1\n    x = = 1\nSyntaxError: invalid syntax' in format_exception(error)
        assert format_exception(SyntaxError("bare")) == "SyntaxError: bare"

    def test_takes_exc_info_and_exceptions(self):
        """`sys.exc_info()` and the exception itself give the same."""
        try:
            fail()
        except ValueError as error:
            info, wanted = sys.exc_info(), printed(error)

        assert format_exception(info) == format_exception(info[1]) == wanted

    @pytest.mark.parametrize("value", [None, True, (None, None, None), (), "text", 5, (1, 2, 3), object()])
    def test_of_no_exception(self, value):
        """What is no exception has no traceback."""
        assert format_exception(value) == ""

    def test_shows_notes(self):
        """Notes follow the exception, one a line."""
        error = caught(fail)
        error.__notes__ = ["first", "second\nthird"]

        assert format_exception(error).endswith("ValueError: some text\nfirst\nsecond\nthird")

    def test_shows_no_values_of_variables(self):
        """Only source lines are shown, never what a variable held."""

        def use(password):
            raise ValueError("refused")

        assert "hunter" + "2" not in format_exception(caught(use, "hunter" + "2"))

    @pytest.mark.parametrize("filename", ["<string>", "/no/such/file.py", "<frozen x>"])
    def test_goes_without_source_that_is_not_there(self, filename):
        """Code that was never in a file has frames without source lines."""
        code = compile("raise ValueError('x')", filename, "exec")

        text = format_exception(caught(exec, code, {}))

        assert text.endswith(f'  File "{filename}", line 1, in <module>\nValueError: x')


def with_attributes(error: BaseException, **attributes) -> BaseException:
    for name, value in attributes.items():
        setattr(error, name, value)
    return error


class Talkative(Exception):
    def __str__(self) -> str:
        return "more than its argument"


class TestShortWay:
    """Most exceptions are one text with nothing chained to it; what looks like one is told from them."""

    @pytest.mark.parametrize(
        "error",
        [
            ValueError("one text"),
            ValueError("two\nlines\n"),
            ValueError(""),
            ConnectionError("no number, no file"),
            with_attributes(OSError("a file set later"), filename="/etc/passwd"),
            with_attributes(OSError("a number set later"), errno=2, strerror="No such file"),
            Talkative("its argument"),
            KeyError("quoted"),
            with_attributes(ValueError("args set later"), args=(1, 2)),
        ],
        ids=repr,
    )
    def test_says_what_python_says(self, error):
        error = caught(fail, 2, error)

        assert format_exception(error) == printed(error)

    def test_keeps_the_cause(self):
        """An exception with a text of its own still shows what it was raised from."""
        error = with_attributes(ValueError("outer"), __cause__=KeyError("inner"))

        assert "KeyError: 'inner'" in format_exception(error)

    def test_keeps_the_context_unless_suppressed(self):
        error = with_attributes(ValueError("outer"), __context__=KeyError("inner"))
        suppressed = with_attributes(ValueError("outer"), __context__=KeyError("inner"), __suppress_context__=True)

        assert ("inner" in format_exception(error), "inner" in format_exception(suppressed)) == (True, False)


@groups
class TestGroups:
    def nested(self, depth: int = 1):
        members = [caught(fail), OSError("plain")]
        if depth:
            members.insert(1, caught(self.nested, depth - 1))
        raise ExceptionGroup(f"level {depth}", members)

    @pytest.mark.parametrize("depth", [0, 1, 2])
    def test_are_what_python_prints(self, depth):
        """Groups in groups keep Python's margins."""
        error = caught(self.nested, depth)

        assert format_exception(error) == printed(error)

    def test_ending_in_a_group(self):
        """The frame of a group that ends in a group is closed once."""
        error = ExceptionGroup("outer", [ValueError(1), ExceptionGroup("inner", [ValueError(2)])])

        assert format_exception(error) == printed(error)

    def test_with_causes(self):
        """A cause of a group, and of a member, stands where Python puts it."""
        member = caught(fail_with_cause)
        error = ExceptionGroup("outer", [member])
        error.__cause__ = caught(self.nested, 0)

        assert format_exception(caught(fail, 0, error)) == printed(error)

    def test_wide_ones(self):
        """After 15 members the rest is counted."""
        error = ExceptionGroup("wide", [ValueError(n) for n in range(20)])

        assert format_exception(error) == printed(error)
        assert "and 5 more exceptions" in format_exception(error)

    def test_deep_ones(self):
        """After ten levels the rest is left out."""
        error = ExceptionGroup("deepest", [ValueError("hidden")])
        for _ in range(30):
            error = ExceptionGroup("level", [error])

        assert "max_group_depth is 10" in format_exception(error)
        assert "hidden" not in format_exception(error)

    def test_trees_are_bounded(self):
        """A group of groups of groups cannot cost more than forty exceptions."""
        error = ValueError("leaf")
        for _ in range(9):
            error = ExceptionGroup("level", [error] * 15)

        assert len(format_exception(error)) <= MAX_CHARS + 100


class TestBounds:
    def ladder(self, frames: int):
        names = {}
        lines = [f"def f{n}(): f{n + 1}()" for n in range(frames)]
        exec("\n".join([*lines, f"def f{frames}(): raise ValueError('x')"]), names)
        return caught(names["f0"])

    def test_leaves_the_middle_frames_out(self):
        """Of more than 50 frames the first and the last are shown, and how many are not."""
        lines = format_exception(self.ladder(98)).splitlines()

        frames = [line for line in lines if line.startswith("  File")]
        assert len(frames) == 50
        assert "  ... 50 frames left out ..." in lines
        assert frames[0].endswith("in caught")
        assert frames[-1].endswith("in f98")

    def test_shows_fifty(self):
        """Fifty frames are all shown."""
        assert "left out" not in format_exception(self.ladder(48))

    def test_cuts_long_messages_between_words(self):
        """Only whole words are kept: half a secret would not be recognised by what comes after."""
        secret = "s" * 5000

        text = format_exception(ValueError("the key is " + secret))

        assert text == "ValueError: the key is ... 5001 characters left out ..."
        assert format_exception(ValueError(secret)) == "ValueError:  ... 5000 characters left out ..."

    def test_leaves_middle_lines_out(self):
        """A long text keeps its beginning and its end."""
        error = caught(fail)
        error.__notes__ = [f"note {n} " + "x " * 900 for n in range(20)]

        text = format_exception(error)

        assert len(text) <= MAX_CHARS + 100
        assert text.startswith("Traceback (most recent call last):\n")
        assert "lines left out" in text
        assert text.splitlines()[-1].startswith("note 19")

    def test_bounds_long_chains(self):
        """A thousand causes cost forty."""
        error = ValueError(0)
        for number in range(1, 1000):
            later = ValueError(number)
            later.__cause__ = error
            error = later

        text = format_exception(error)

        assert text.endswith("ValueError: 999")
        assert text.count("ValueError") <= stack.MAX_EXCEPTIONS

    def test_survives_cycles(self):
        """An exception that is its own cause ends."""
        one, other = ValueError("one"), ValueError("other")
        one.__cause__, other.__cause__ = other, one

        assert format_exception(one).endswith("ValueError: one")

    def test_memory_is_bounded(self):
        """Generated code cannot fill the memory with frames."""
        for number in range(_frames.MAX_REMEMBERED + 10):
            try:
                exec(compile("1/0", f"<generated {number}>", "exec"))
            except ZeroDivisionError as error:
                format_exception(error)

        assert len(_frames.with_source.frames) <= _frames.MAX_REMEMBERED
        assert len(_frames.with_source.stacks) <= _frames.MAX_STACKS

    def test_code_that_is_gone_is_not_taken_for_new_code(self):
        """Generated code comes and goes, and new code may get the number of what is gone."""
        for number in range(3 * _frames.MAX_STACKS):
            with pytest.raises(ZeroDivisionError) as caught:
                exec(compile("1/0", f"<generated {number}>", "exec"), {})
            assert f"<generated {number}>" in format_exception(caught.value)
            del caught

    def test_other_code_of_the_same_name_has_its_own_lines(self):
        """A template that is compiled anew shows its own source, not the one before."""
        for host in ("one", "other"):
            source = f"connect = int\nconnect('{host}')\n"
            linecache.cache["<template>"] = len(source), None, source.splitlines(True), "<template>"
            text = format_exception(caught(exec, compile(source, "<template>", "exec"), {}))
            assert f"connect('{host}')" in text

    def test_a_recursion_beyond_what_is_remembered_is_shown_as_ever(self):
        """Deep stacks are written anew each time."""

        def deep(number):
            return 1 / number if not number else deep(number - 1) + 1

        texts = {format_exception(caught(deep, _frames.MAX_DEPTH + 9)) for _ in range(2)}

        assert len(texts) == 1
        assert "Previous line repeated" in texts.pop()


class Mute(Exception):
    def __str__(self):
        raise RuntimeError


class NoCause(Exception):
    @property
    def __cause__(self):
        raise RuntimeError


class Interrupting(Exception):
    def __str__(self):
        raise KeyboardInterrupt


class TestHostile:
    def test_an_exception_that_cannot_be_printed(self):
        """Its type is shown, as Python does."""
        assert format_exception(Mute()) == printed(Mute())

    def test_an_exception_whose_chain_fails(self):
        """What can be said is said."""
        text = format_exception(caught(fail, 0, NoCause("text")))

        assert text.startswith("Traceback (most recent call last):\n")
        assert text.endswith("NoCause: text")
        assert len(fingerprint(NoCause())) == 16

    @pytest.mark.parametrize("notes", ["text", 5, [Mute()], (1, 2), {"a": 1}])
    def test_strange_notes(self, notes):
        """Notes may be anything."""
        error = ValueError("x")
        error.__notes__ = notes

        assert format_exception(error).startswith("ValueError: x\n")

    def test_a_loader_that_fails(self):
        """Code from a loader that raises has no source lines."""

        class Loader:
            def get_source(self, name):
                raise RuntimeError

        names = {"__name__": "x", "__loader__": Loader()}

        text = format_exception(caught(exec, compile("raise ValueError", "/nowhere/x.py", "exec"), names))

        assert text.endswith("in <module>\nValueError")

    def test_a_type_without_a_module(self):
        """A type may lie about where it is from."""
        kind = type("Odd", (Exception,), {"__module__": 5})

        assert format_exception(kind("x")).endswith("Odd: x")

    def test_interrupts_pass(self):
        """KeyboardInterrupt is not swallowed."""
        with pytest.raises(KeyboardInterrupt):
            format_exception(Interrupting())

    @given(st.text())
    def test_any_message(self, text):
        """Whatever the message: text comes out, and it is bounded."""
        assert len(format_exception(ValueError(text))) <= MAX_CHARS


class TestFingerprint:
    def test_does_not_depend_on_the_message(self):
        """The next user's name in the message is the same problem."""
        assert fingerprint(caught(fail, 0, ValueError("bob"))) == fingerprint(caught(fail, 0, ValueError("eve")))

    def test_depends_on_the_type_and_the_place(self):
        """Another type, another cause or another function is another problem."""
        prints = {
            fingerprint(caught(fail)), fingerprint(caught(fail, 0, KeyError())), fingerprint(caught(fail_with_cause)),
            fingerprint(caught(fail_without_context)), fingerprint(caught(fail_with_context)),
        }  # fmt: skip

        assert len(prints) == 5

    def test_recursion_does_not_matter(self):
        """How deep a function called itself is no difference."""
        assert fingerprint(caught(fail, 3)) == fingerprint(caught(fail, 300))

    @pytest.mark.parametrize("filename", ["/srv/v2/app/views.py", "/home/x/app/views.py", "C:\\srv\\app\\views.py"])
    def test_neither_folder_nor_line_matters(self, filename):
        """A new release in another folder with moved lines keeps its fingerprints."""
        one = caught(exec, compile("raise ValueError", "/srv/v1/app/views.py", "exec"), {})
        other = caught(exec, compile("\n\n\nraise ValueError", filename, "exec"), {})

        assert fingerprint(one) == fingerprint(other)

    def test_is_short_hex(self):
        """Sixteen hex digits, also of nothing."""
        assert len(fingerprint(None)) == 16
        assert int(fingerprint(caught(fail)), 16) >= 0


class TestPieces:
    def test_stacks_are_apart_and_the_same_each_time(self):
        """They come from the code: two failures of one place differ in their messages only."""
        pieces = []
        for number in range(2):
            try:
                try:
                    raise ValueError(f"inner {number}")
                except ValueError as inner:
                    raise KeyError(f"outer {number}") from inner
            except KeyError as error:
                pieces.append(stack.exception_pieces(error))

        one, other = pieces
        assert [len(frames) for _, frames in one] == [2, 0, 2, 0]
        assert all("".join(frames) == text for text, frames in one if frames)
        assert all(mine is yours for mine, yours in zip(one, other, strict=True) if mine[1])
        assert "inner 0" in one[1][0]
        assert "outer 1" in other[3][0]

    def test_together_they_are_the_text(self):
        """Nothing is lost between pieces, and without an exception there is none."""
        with pytest.raises(ValueError) as caught:
            raise ValueError("once")

        pieces = stack.exception_pieces(caught.value)
        assert "".join(text for text, _ in pieces) == stack.format_exception(caught.value)
        assert stack.exception_pieces(None) == []

    def test_frames_of_a_long_text_stay_pieces(self):
        """What had to be cut still has its frames apart, so that they are known again."""
        try:
            raise ValueError("first")
        except ValueError as error:
            chain = error
            for _ in range(6):
                following = ValueError("word " * 400)
                following.__cause__ = chain
                chain = following
            pieces = stack.exception_pieces(chain)

        assert [len(frames) for _, frames in pieces] == [2, 0]
        assert "lines left out" in pieces[-1][0]
        assert sum(len(text) for text, _ in pieces) <= MAX_CHARS + 100

    def test_deep_frames_with_long_paths_are_cut_as_a_whole(self):
        """Where the frames alone are too much, whole frames go, and what stays is the code's."""
        names = {}
        for number in range(60):
            source = f"def f{number}(): f{number + 1}()"
            exec(compile(source, f"/srv/{'x' * 300}/{number}.py", "exec"), names)
        exec("def f60(): raise ValueError('x')", names)

        pieces = stack.exception_pieces(caught(names["f0"]))

        text = "".join(text for text, _ in pieces)
        assert len(text) <= MAX_CHARS + 100
        assert text.count("  File ") > 10
        assert "lines left out" in text
        assert [text for text, from_code in pieces if from_code and text.startswith("    ")] == []

    def test_names_without_end_are_cut(self):
        """Generated code cannot make a frame longer than the text may be."""
        text = format_exception(caught(lambda: exec(compile("1/0", "y" * 100_000, "exec"))))

        assert len(text) < 3000
        assert text.endswith("ZeroDivisionError: division by zero")
