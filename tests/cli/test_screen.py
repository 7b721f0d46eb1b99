from __future__ import annotations

import importlib.util
import io

import pytest

from seclog_handlers.cli.screen import Screen, plural


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def printed(stream: io.StringIO, text: str, style: str = "bold red") -> str:
    Screen(stream).line(text, style)
    return stream.getvalue()


def test_a_file_gets_plain_text() -> None:
    """What is piped or written to a file has no styles."""
    assert printed(io.StringIO(), "an alert") == "an alert\n"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_that_wants_none_gets_plain_text(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR and a dumb terminal are respected."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(name, value)

    assert printed(Terminal(), "an alert") == "an alert\n"


@pytest.mark.skipif(importlib.util.find_spec("rich") is None, reason="needs the extra 'cli'")
def test_a_terminal_gets_styles_with_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    """With rich, a terminal shows styles; the text is the same, markup-like brackets included."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")

    shown = printed(Terminal(), "[handler_out] " + "x" * 300)

    assert "\x1b[" in shown
    assert "[handler_out] " + "x" * 300 in shown


def test_without_rich_a_terminal_gets_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is one: without it everything still prints."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setitem(__import__("sys").modules, "rich.console", None)

    assert printed(Terminal(), "an alert") == "an alert\n"


def test_nothing_printed_can_drive_the_terminal() -> None:
    """Log lines come from attackers: their control characters are shown, not sent."""
    assert printed(io.StringIO(), "a\x1b[2Jb\rc") == "a\\x1b[2Jb\\rc\n"


def test_a_narrow_encoding_is_no_crash() -> None:
    """What the terminal's encoding lacks is escaped."""
    stream = Terminal()
    stream.encoding = "ascii"

    assert printed(stream, "naïve", "") == "na\\xefve\n"


def test_a_block_shows_every_line_of_a_text() -> None:
    """A text that forges a second line is shown as the lines it would make."""
    stream = io.StringIO()

    Screen(stream).block("before", "one\ntwo")

    assert stream.getvalue() == "   before   one\n            two\n"


def test_a_paragraph_wraps_under_its_first_word() -> None:
    """Long texts stay readable: they wrap with a hanging indent."""
    stream = io.StringIO()

    Screen(stream).paragraph("why", "word " * 60)

    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("   why      word")
    assert all(line.startswith("            word") and len(line) <= 110 for line in lines[1:])


def test_counts_are_in_words() -> None:
    """One finding, two findings."""
    assert (plural(1, "finding"), plural(2, "finding")) == ("1 finding", "2 findings")
