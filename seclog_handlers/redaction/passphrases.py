"""Passwords that no sign gives away: plain words after the name, words with hyphens, passphrases."""

# ruff: noqa: PLR2004 - numbers of words
from __future__ import annotations

import re

from seclog_handlers.redaction import languages
from seclog_handlers.redaction.extents import QUOTES, Value
from seclog_handlers.redaction.values import is_jumbled, is_remark, is_statement
from seclog_handlers.redaction.vocabulary import BENIGN_TAILS, REMARKS, SENTENCE_WORDS, STATUS_WORDS

# `with password Sommer`, `logged in as bob with password hunter`: letters alone, where the sentence leaves room for
# nothing else. A word in lower case could go on with the sentence, so somebody has to have logged in before.
_WITH = re.compile(
    r"\b(?:with|and|using|use|by|plus|tr(?:y|ied|ying)|attempt(?:ed|ing)?|guess(?:ed|ing)?|enter(?:ed|ing)?|typed|sent)"
    r"[ ](?:the |a |his |her |their |my )?(?:new |old |plaintext )?$",
    re.IGNORECASE,
)
_WHO = re.compile(
    rf"\b(?:as|user|username|login|account|for|email|{languages.WHO})(?::|=|[ ])[ ]?[\"']?[^\s]{{2,64}}", re.IGNORECASE
)
# `user bob, password hunter`
_HIS = re.compile(
    rf"\b(?:user|username|login|{languages.WHO})(?::|=|[ ])[ ]?[\"']?[^\s,;]{{2,64}}"
    r"(?:[,;/][ ]|[ ](?:and|with|und|mit|et|avec|y|con|e|com|en|met)[ ])$",
    re.IGNORECASE,
)
_PLAIN_PASSWORD = re.compile(r"[A-Za-z]{4,32}")
_ENDS = re.compile(
    r"[\"']?(?:[.,;!)]?(?:\s{0,8}$|\n)|[,;)]|[.!] |[ ](?:for|on|at|from|to|failed|accepted|rejected|refused|worked)\b)"
)


def is_plain_password(text: str, start: int, value: Value) -> bool:
    """Tell whether a word of letters is the password named at `start`, since the sentence leaves no other sense."""
    word = text[value.start : value.end]
    if not (_PLAIN_PASSWORD.fullmatch(word) or is_hyphened(word, least=3)):
        return False
    if not (_WITH.search(text, max(0, start - 32), start) or _HIS.search(text, max(0, start - 96), start)):
        return False
    if _ENDS.match(text, value.end) is None or is_statement(word):
        return False
    if word.lower() in _FOLLOWERS or word.lower() in BENIGN_TAILS or word.lower() in REMARKS:
        return False
    return not word.islower() or "-" in word or _WHO.search(text, max(0, start - 96), start) is not None


def is_cell(text: str, start: int, value: Value) -> bool:
    """Tell whether a word follows a password's name in a row of names and values: `user|bob|password|hunter`."""
    line = text.rfind("\n", max(0, start - MAX_ROW), start) + 1
    following = text.find("\n", value.end, value.end + MAX_ROW)
    if following >= 0 and text.startswith(_TABLE, following + 1):  # the names of columns
        return False
    before = text[max(line, start - MAX_ROW) : start].count("|")
    word = text[value.start : value.end]
    follows = _PLAIN_PASSWORD.fullmatch(word) is not None and (
        _CELL_ENDS.match(text, value.end) is not None
        if before and before % 2 == 0 and text[start - 1] == "|"
        else before == 1 and not text[line:start].strip(" |") and _ROW_ENDS.match(text, value.end) is not None
    )
    return follows and not (is_statement(word) or word.lower() in BENIGN_TAILS)


MAX_ROW = 400
_TABLE = ("|-", "| -", "|:", "-", "+-", "| ")
_CELL_ENDS = re.compile(r"\||\s{0,8}(?:\Z|\n)")
_ROW_ENDS = re.compile(r"[ ]{0,40}\|[ ]{0,8}(?:\Z|\r?\n)")
# How a sentence goes on after `with password`, beside what vocabulary.py has for keys.
_FOLLOWERS = frozenset(
    """
    hash hashing protection prompts encryption grant grants credentials auth logins only reuse spraying spray guessing
    cracking input synchronization sync autofill generation lists dictionary plugin module flow mode support managers
    twice again once manually correctly incorrectly successfully instead option options flag over fallback sign-in
    signin signon sso database databases store stores vaults saved reminder reminders confirmation verification
    question questions combination combinations pair pairs alone methods types protected-file archive archives zip
    interface fields something anything nothing everything here there today yesterday tomorrow please thanks details
    data
    info information characters words letters digits numbers symbols safety security
""".split()  # noqa: SIM905 - a wall of quotes hides the words
)


def is_passphrase(value: str) -> bool:
    """Tell whether quoted words are a passphrase and not a remark: `correct horse 42`."""
    words = [word.strip(".,!?") for word in value.lower().split()]
    if not 2 <= len(words) <= 8 or is_remark(words) or (len(words) < 4 and not _ABOUT.isdisjoint(words)):
        return False
    return all(word.isalnum() for word in words) and (words[-1].isdigit() or len(words) >= 3)


_ABOUT = STATUS_WORDS | SENTENCE_WORDS | REMARKS


def is_random(value: str) -> bool:
    """Tell whether letters alone are a password, and no name in CamelCase: KSFKdGVxLd."""
    return _LETTERS.fullmatch(value) is not None and is_jumbled(value)


_LETTERS = re.compile(r"(?=[a-z]{0,16}[A-Z]+[a-z])[A-Za-z]{9,32}")


def is_hyphened(value: str, least: int = 4) -> bool:
    """Tell whether a word is a passphrase of four words and more: `correct-horse-battery-staple`."""
    words = value.split("-")
    if len(words) < least or not _HYPHENED.fullmatch(value):
        return False
    about = [word in STATUS_WORDS or word in SENTENCE_WORDS or word in BENIGN_TAILS for word in words]
    return sum(about) <= 1 and not about[-1]


_HYPHENED = re.compile(r"[a-z]{3,10}(?:-[a-z]{3,10}){2,7}")


_MNEMONIC = re.compile(r"[a-z]{3,10}(?:[ ,]{1,2}[a-z]{3,10}){2,23}(?![\w])")
_ASSIGNED_WORDS = re.compile(r"[\"']?[ \t]{0,4}(?:(?:[:=]|is\b|was\b)[ \t]{0,4}[\"']?|(?<=[ \t])[\"'])")
_ASSIGNED_LINE = re.compile(r"(?:[ \t](?:for|of|to)[ \t][^\s:=]{1,64})?(?:[ ]is)?[ \t]?[:=][ \t]{1,4}|[ ](?:is|was)[ ]")
_PASSPHRASE = re.compile(r"[A-Za-z0-9]{1,16}(?:[ ][A-Za-z0-9]{1,16}){1,11}(?=[ ]?$|\n)")


def phrase(text: str, name: str, end: int) -> tuple[int, int] | None:
    """Return the words of a seed phrase or passphrase after its name, which ends at `end`."""
    if not name.lower().endswith(("phrase", "mnemonic", "seed")):
        return None
    assigned = _ASSIGNED_WORDS.match(text, end)
    words = _MNEMONIC.match(text, assigned.end()) if assigned else None
    quote = text[assigned.end() - 1] if assigned else ""
    if words is not None and quote in QUOTES and text[words.end() : words.end() + 1] != quote:
        return None  # it goes on to the other quote
    if words is None and name.lower().endswith("phrase"):
        assigned = _ASSIGNED_LINE.match(text, end)
        words = _PASSPHRASE.match(text, assigned.end()) if assigned else None
        words = words if words is not None and is_passphrase(words[0]) else None
    if words is None or not SENTENCE_WORDS.isdisjoint(words[0].split()):
        return None
    return words.span()
