"""What README and docs/ show is what the package accepts: each fenced block, in the way of its language."""

from __future__ import annotations

import ast
import configparser
import importlib
import inspect
import json
import re
import shlex
from pathlib import Path

import pytest

from seclog_handlers import cli
from seclog_handlers.policy import Policy

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    pytest.param(language, text, id=f"{page.name}-{number}")
    for page in PAGES
    for number, (language, text) in enumerate(
        re.findall(r"^ *```(\w*)\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    )
]
COMMAND = re.compile(r"^(?:\$ )?(?:.*\| )?(?:\.venv/bin/)?seclog (.*?)(?:#.*)?$", re.MULTILINE)
# A page's secrets are on another machine.
REFERENCE = re.compile(r"(?:env|file):\S+")


def written_in(*languages: str) -> list[str]:
    return [block for block in BLOCKS if block.values[0] in languages]


@pytest.mark.parametrize(("language", "text"), written_in("python"))
def test_python_is_python_and_its_imports_exist(language: str, text: str) -> None:
    """Each block compiles, and what it imports from this package is there."""
    code = "".join(line[4:] for line in text.splitlines(True) if line.startswith(">>> ")) if ">>> " in text else text
    tree = ast.parse(code)

    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("seclog_handlers"):
            module = importlib.import_module(node.module or "")
            assert [name.name for name in node.names if not hasattr(module, name.name)] == []


@pytest.mark.parametrize(("language", "text"), written_in("json"))
def test_json_is_json(language: str, text: str) -> None:
    """Each block is one object."""
    assert isinstance(json.loads(text), dict)


@pytest.mark.parametrize(("language", "text"), written_in("ini"))
def test_an_ini_says_what_is_accepted(language: str, text: str) -> None:
    """Policies are policies; classes exist and take the keywords that the file gives them."""
    parser = configparser.RawConfigParser(default_section="")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text if text.startswith(("[", "#")) else "[seclog]\n" + text)

    for name in parser.sections():
        given = dict(parser.items(name))
        if name == "seclog":
            Policy({key: REFERENCE.sub("0123456789abcdef" * 2, value) for key, value in given.items()})
        kind = given.get("class", "")
        if kind.startswith("seclog_handlers."):
            accepted = inspect.signature(
                getattr(importlib.import_module("seclog_handlers"), kind.partition(".")[2])
            ).parameters
            assert set(ast.literal_eval(given.get("kwargs", "{}"))) <= set(accepted)


def commands() -> list[str]:
    shells = [block.values[1] for block in written_in("", "sh", "console")]
    joined = "\n".join(shells).replace("\\\n", " ")
    return list(dict.fromkeys(found.strip() for found in COMMAND.findall(joined)))


@pytest.mark.parametrize("command", commands())
def test_a_command_has_the_options_that_are_shown(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command on the pages exists, with its subcommand and its options."""
    words = shlex.split(command.partition(" | ")[0].partition(" > ")[0])
    if words == ["--version"]:
        return
    options = {word.partition("=")[0] for word in words if word.startswith("-") and len(word) > 1}

    texts = []
    for help_of in (words[:1], words[:2]):
        with pytest.raises(SystemExit):
            cli.main([*help_of, "--help"])
        texts.append(capsys.readouterr().out)
    assert {option for option in options if option not in " ".join(texts)} == set()
