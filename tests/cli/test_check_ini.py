from __future__ import annotations

import configparser
import textwrap

import pytest

from seclog_handlers.cli import check_ini

SOUND = """
    [loggers]
    keys = root
    [handlers]
    keys = out
    [formatters]
    keys = text
    [logger_root]
    level = INFO
    handlers = out
    [handler_out]
    class = StreamHandler
    args = (sys.stdout,)
    formatter = text
    [formatter_text]
    format = %(message)s
"""


def sections(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(default_section="")
    parser.read_string(textwrap.dedent(text))
    return parser


def found(text: str, *, passes_here: bool = True) -> list[tuple[str, str]]:
    findings = check_ini.findings(sections(text), passes_here=passes_here)
    return [(finding.code, finding.where) for finding in findings]


def test_says_nothing_about_a_sound_file() -> None:
    """A file that fileConfig reads as it was meant has no finding."""
    assert found(SOUND) == []


@pytest.mark.parametrize(
    ("code", "where", "old", "new"),
    [
        ("ini-filters-ignored", "[handler_out]", "class = Stream", "filters = redact\n    class = Stream"),
        ("ini-filters-ignored", "[logger_root]", "level = INFO", "level = INFO\n    filters = redact"),
        ("ini-filters-ignored", "[filter_redact]", "[loggers]", "[filter_redact]\n    [loggers]"),
        ("ini-unknown-key", "[handler_out]", "formatter = text", "formater = text"),
        ("ini-unknown-key", "[logger_root]", "handlers = out", "handler = out\n    handlers ="),
        ("ini-section-unlisted", "[handler_out]", "keys = out", "keys ="),
        ("ini-default-applies", "[DEFAULT]", "[loggers]", "[DEFAULT]\n    propagate = 0\n    [loggers]"),
        ("ini-default-not-policy", "[DEFAULT]", "[loggers]", "[DEFAULT]\n    redact.keys = a\n    [loggers]"),
        (
            "ini-percent-not-doubled",
            "[handler_out]",
            "(sys.stdout,)",
            "(sys.stdout,)\n    kwargs = {'x': '5%'}",
        ),
        ("ini-percent-not-doubled", "[handler_out]", "(sys.stdout,)", "('%(missing)s',)"),
        ("ini-percent-doubled", "[formatter_text]", "%(message)s", "%%(message)s"),
        ("target-line-missing", "[handler_out]", "(sys.stdout,)", "()\n    kwargs = {'targets': ('pager',)}"),
    ],
)
def test_names_what_file_config_ignores(code: str, where: str, old: str, new: str) -> None:
    """Each silent failure of an INI file is named with its section."""
    assert (code, where) in found(SOUND.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(sys.stdout,)", "(sys.stdout,)\n    kwargs = {'x': '5%%'}"),
        ("[loggers]", "[DEFAULT]\n    level = INFO\n    folder = /var/log\n    [loggers]"),
        ("(sys.stdout,)", "()\n    kwargs = {'targets': ('pager',)}\n    target = out"),
        ("(sys.stdout,)", "()\n    kwargs = {'targets': ()}"),
        ("(sys.stdout,)", "()\n    kwargs = make_kwargs()"),
        ("(sys.stdout,)", "()\n    kwargs = {not python"),
        ("(sys.stdout,)", "()\n    kwargs = {'policy': 'logging.ini'}\n    [seclog]\n    redact.patterns = 100%"),
    ],
)
def test_leaves_alone_what_works(old: str, new: str) -> None:
    """Doubled percent signs, shared values, a target line and other sections are no findings."""
    assert found(SOUND.replace(old, new, 1)) == []


def test_offers_the_key_that_was_meant() -> None:
    """A misspelt key comes with the one that looks like it."""
    (finding,) = check_ini.findings(sections(SOUND.replace("formatter =", "formater =")), passes_here=True)

    assert "did you mean 'formatter'?" in finding.what


def test_interpolates_from_default() -> None:
    """A reference to a key of [DEFAULT] is one that fileConfig resolves."""
    text = SOUND.replace("(sys.stdout,)", "('%(folder)s/app.log',)")

    assert found(text.replace("[loggers]", "[DEFAULT]\n    folder = /var/log\n    [loggers]", 1)) == []


def test_here_needs_a_caller_that_passes_it() -> None:
    """%(here)s is advice unless the file is for gunicorn, which passes it."""
    text = SOUND.replace("(sys.stdout,)", "('%(here)s/app.log',)")

    assert found(text) == []
    assert ("here-not-passed", "the file") in found(text, passes_here=False)


def test_reminds_who_calls_file_config() -> None:
    """That fileConfig disables loggers cannot be said in the file, so the caller is told."""
    assert found(SOUND, passes_here=False) == [("file-config-disables-loggers", "the call of fileConfig")]
