"""The short way for the many lines of a file in which nothing can be secret: their words were all seen before.

A line passes if each of its words, digits aside, is one in which the engine's own gates and patterns can find
nothing, whatever the digits are, and if no number goes on from one word to the next. Everything else goes to the
engine, which then decides; tests/cli/test_redact_sieve.py holds the two against each other. On access, application
and JSON logs of 200 bytes a line it costs 2 to 4 us a line, the engine 35 to 85.
"""

from __future__ import annotations

import re
from typing import Any

from seclog_handlers.redaction import Redactor, commands, gate, keyvalue, links, mentions, pii
from seclog_handlers.redaction.keys import Rule

# More might be more than the engine is ready to look at: see redaction.budget.
MAX_LINE = 2_048
MAX_WORD = 96
MAX_WORDS = 65_536
MAX_PLAIN = 32
# Deeper records and longer numbers are for the engine: see redaction.tree.
MAX_DEPTH = 8
LONG_NUMBER = 10**12

# Not `|`, which may be part of what looks made by a machine.
_SEPARATORS = "\"'`{}[],;<>\t\r "
_FOREIGN_SIGN = 1


def _shape(code: int) -> int:
    character = chr(code)
    if character.isdecimal():
        return ord("0")
    if character in _SEPARATORS:
        return ord(" ")
    return code if character.isprintable() or character == "\n" else _FOREIGN_SIGN


# Digits to 0, separators to spaces: what engine and gates judge by digits is judged for all digits at once.
_SHAPES = bytes([*map(_shape, range(128)), *[_FOREIGN_SIGN] * 128])


def _class(code: int) -> int:
    character = chr(code)
    if character.isdecimal():
        return ord("0")
    if character in "-.()/":
        return ord("-")
    if character in " \t":
        return ord(" ")
    return code if character == "\n" else ord("x")


# Digits to 0, what may stand between the digits of a number to -, the rest to x.
_CLASSES = bytes(map(_class, range(256)))
# What the engine's gate says of a text without names and programs.
_NOTHING = (False, False)
_GLUE, _GLUED = "\x00", b"0\x000"
# "enter 123456 to verify".
_SPOKEN_WORDS = frozenset({"to", "as", "for"})

# No layer of encoding, no address or user's part of a URL, no private key, no option of a command.
_FOREIGN = re.compile(
    r"[^!-~ ]|[@%\\]|/\+|:0000:|(?<![A-Za-z0-9])0z|hooks/catch/|infura|alchemy"
    r"|&(?:#|quot|amp|lt|gt|apos|colon|equals|nbsp|commat)|-----|Q~|0\$|^-+[A-Za-z]",
)
# An id, alone or as a value; not a number, and not text in hexadecimal, each of whose bytes begins with a digit.
_NO_TEXT = r"(?!(?:0[0-9a-f]){12,}(?![0-9a-f]))"
_HEX = re.compile(
    rf"[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}|{_NO_TEXT}(?=[0-9]{{0,15}}[a-f])[0-9a-f]{{1,64}}"
)
_HEX_LETTERS = re.compile(r"[a-f]+", re.IGNORECASE)
# The same as a part of a path or of a file's name: `/123e4567-e89b-12d3-a456-426614174000/items`, `app.0a1b2c3d.js`.
_HEX_PART = re.compile(
    rf"(?<=[/=.])(?:[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}|{_NO_TEXT}(?=[0-9]{{0,39}}[a-f])(?=[a-f]{{0,39}}0)"
    r"[0-9a-f]{6,40})(?=[/.?&]|\Z)",
)
# Numbers that are nobody's: an address, a date, a status and a size, a fraction, the kernel's seconds, digits too few
# for a card.
_NOBODYS = re.compile(
    r"0{1,12}|0{1,6}\.0{6}|0{1,3}(?:\.0{1,3}){3}|0000([-/])00\1(?:00|00 00)|000 0{1,9}|0{1,2}\.0{1,20}"
)
# The engine looks at these once a line has any long run.
_PERHAPS_BASE64 = re.compile(r"(?=.*/)(?=.*[A-Z])(?=.*0).{32,}")
# Programs whose one secret stands in an option: `-u user:password`.
_HARMLESS_PROGRAMS = frozenset({"curl", "http", "lftp", "svn", "wget"})
_LETTERS = re.compile(r"[a-z]+")
# A name of several words, which no other word can follow, and what it is set to.
_SETTING = re.compile(r"([a-z]+(?:_[a-z]+)+)=([^=]*)")
# A whole name as the engine reads it, and what it would take for its next word.
_NAME = re.compile(r"[A-Za-z](?:[A-Za-z_.$-]*[A-Za-z])?")
# Digits are 0 here: `2FA code`.
_FIRST_WORDS = frozenset(re.sub(r"\d", "0", word) for word in keyvalue.FIRST_WORDS)
_NEXT = re.compile(r"[A-Za-z]{2,14}(?![A-Za-z])")


class Sieve:
    """Tells lines that are surely clean from all others.

    Args:
        redactor: Whose rules count. It must have no patterns and no known values of a user's.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._rules = redactor.rules
        # It knows the names of the built-in rules and of the user's.
        self._gate = redactor.gate
        names = (*mentions.LONG_WORDS, *mentions.SHORT_WORDS, *self._rules.mentions(), *commands.FIRST_WORDS)
        # Whether a name could be spelled with the letters of hexadecimal digits: nobody's is, but a user's may be.
        self._hex_names = any(map(_HEX_LETTERS.fullmatch, names))
        self._harmless: set[str] = set()
        self._settings: dict[str, bool] = {}  # a word that looks like a name: whether it may be a weak one
        self._refused: set[str] = set()
        # Words that a call or a line of a protocol may begin with; what it is called with stands in others.
        self._calling: set[str] = set()
        self._plain: set[str] = set()
        self._plain_values: set[str] = set()

    def passed(self, text: str) -> list[bool]:
        """Return for each line of a text whether it is surely clean."""
        raw = text.encode("utf-8", "surrogatepass")
        # As text of as many characters as there are bytes: searching that is faster than searching bytes.
        classes = raw.translate(_CLASSES).decode("latin-1")
        shapes = raw.translate(_SHAPES).replace(b"0 0", _GLUED).replace(b"0 0", _GLUED).decode("latin-1")
        return list(map(self._passes, shapes.split("\n"), classes.split("\n")))

    def strings(self, value: Any, depth: int = MAX_DEPTH) -> str | None:
        """Return the strings of a JSON line as one line of text, on which alone hangs whether the JSON line is clean.

        None if that is for the engine to say: a key that it judges, a number that could be a card's, a line end
        in a string, too much of anything.
        """
        parts: list[str] = []
        if not self._collected(value, parts, depth):
            return None
        joined = '" "'.join(parts)  # more than a space, so that no number goes on from one to the next
        return None if "\n" in joined else joined

    def _collected(self, value: Any, parts: list[str], depth: int) -> bool:
        if not depth:
            return False
        items = value
        if type(value) is dict:
            if not self._plain.issuperset(value) and not all(map(self._is_plain, value)):
                return False
            items = value.values()
        for item in items:
            kind = type(item)
            if kind is str:
                if not (item.isidentifier() and (item in self._plain_values or self._is_plain_value(item))):
                    parts.append(item)
            elif kind is int or kind is float:
                if not -LONG_NUMBER < item < LONG_NUMBER:
                    return False
            elif (kind is dict or kind is list) and not self._collected(item, parts, depth - 1):
                return False
        return True

    def _is_plain(self, key: str) -> bool:
        """Tell whether a key of a record says nothing about its value, and is none itself."""
        if key in self._plain:
            return True
        plain = not self._rules.uses_paths and self._rules.rule(key) is None and self._redactor.text(key) == key
        if plain:
            _remember(self._plain, key)
        return plain

    def _is_plain_value(self, value: str) -> bool:
        """Tell whether a value is one of the words that many records have, such as `api_response`, and no name."""
        if len(value) > MAX_PLAIN or not value.replace("_", "").isalpha() or self._rules.rule(value) is not None:
            return False
        if self._redactor.text(value) != value:
            return False
        _remember(self._plain_values, value)
        return True

    def _passes(self, shape: str, classes: str) -> bool:
        words = shape.split()
        if not self._harmless.issuperset(words) and not self._learned(words):
            return False
        if len(shape) > MAX_LINE or _may_go_on(classes) or _may_be_spoken(shape):
            return False
        return self._calling.isdisjoint(words) or not _may_call(shape)

    def _learned(self, words: list[str]) -> bool:
        """Judge the words that are new; tell whether all are harmless."""
        refused, settings = self._refused, self._settings
        if not refused.isdisjoint(words):
            return False
        new = [word for word in words if word not in self._harmless]
        has_names = False
        for word in new:
            if not self._is_silent(word):
                _remember(refused, word)
                return False
            if word in settings:
                has_names = True
            elif self._is_id(word):
                continue
            elif self._is_setting(word) or self._is_nameless(word):
                has_names = True
                if len(settings) >= MAX_WORDS:
                    settings.clear()
                settings[word] = "=" not in word and self._rules.rule(word) is not None
            elif self._is_harmless(without := self._without_ids(word)):
                _remember(self._harmless, without)
            else:
                _remember(refused, word)
                return False
        return not has_names or not any(map(self._joins, ("", "", *words), ("", *words), words, (*words[1:], "")))

    def _is_silent(self, word: str) -> bool:
        """Tell whether a word belongs to no notation of its own; remember one that may be called."""
        _, marks, _ = self._gate.found(word.encode("ascii", "replace"))
        if marks & gate.CALL:
            if len(self._calling) >= MAX_WORDS:
                self._harmless.clear()
                self._settings.clear()
                self._calling.clear()
            self._calling.update((word, self._without_ids(word)))
        return not marks & gate.NOTATION and "UGFzc" not in word  # `Password:` as SMTP's servers ask for it

    def _joins(self, second: str, first: str, word: str, following: str) -> bool:
        """Tell whether what looks like a name is one, with what stands around it."""
        is_weak = self._settings.get(word)
        if is_weak is None:
            return False
        # Only what has digits looks made by a machine.
        if is_weak and following and not following.isalpha():
            return True
        if second.lower() in _FIRST_WORDS or first.lower() in _FIRST_WORDS:
            return True
        goes_on = _NEXT.match(following)
        return goes_on is not None and goes_on[0].lower() in mentions.AFTER_WORDS

    def _is_id(self, word: str) -> bool:
        """Tell whether a word is a hexadecimal id, as `request=0a1b2c3d` or alone: these come but once."""
        name, equals, value = word.rpartition("=")
        if not _HEX.fullmatch(value) or (self._hex_names and self._gate.ask(value.encode()) != _NOTHING):
            return False
        name += equals
        if name and name not in self._harmless:
            if not self._is_harmless(name):
                return False
            _remember(self._harmless, name)
        return True

    def _without_ids(self, word: str) -> str:
        """Return a word with 0 for the hexadecimal ids in its path, which come but once."""
        # With a capital in it, it might be a key that is known by its shape.
        return _HEX_PART.sub("0", word) if "/" in word and word.islower() and not self._hex_names else word

    def _is_setting(self, word: str) -> bool:
        """Tell whether a word is a name that is no secret's, though it looks like one, and a harmless value."""
        match = _SETTING.fullmatch(word)
        if match is None or self._gate.ask(match[1].encode()) == _NOTHING:
            return False
        return self._rules.rule(match[1]) is None and self._is_harmless(match[2])

    def _is_nameless(self, word: str) -> bool:
        """Tell whether a word is no secret's name by itself, though it looks like one: `Intel`, `app.auth.views`.

        Or one that means something only with a value that looks made by a machine: `session`, `key`, `code`.
        """
        low = word.lower()
        if not _NAME.fullmatch(word) or len(word) > MAX_WORD or any(part in low for part in _OF_THEIR_OWN):
            return False
        raw = word.encode()
        named, program = self._gate.ask(raw)
        # Of Redis' AUTH the engine asks that a space follows, or capitals.
        if program and (_programs(word) != {"auth"} or low.endswith("auth") or "AUTH" in word):
            return False
        rule = self._rules.rule(word) if named and not gate.has_long_run(raw) else _ANY
        return rule is None or (rule.sort == "weak" and rule.kind not in _READ_FURTHER)

    def _is_harmless(self, word: str) -> bool:
        """Tell whether the engine would find nothing in a word, whatever its digits."""
        if word in self._harmless:
            return True
        if len(word) > MAX_WORD or not word.isascii():
            return False
        word = word.replace(_GLUE, " ")
        raw = word.encode()
        if gate.has_long_run(raw) or gate.has_lettered_id(raw):
            return False
        if _FOREIGN.search(word) or (word.lower() in _SPOKEN_WORDS and not word.islower()):
            return False
        named, program = self._gate.ask(raw)
        if named or (program and not _HARMLESS_PROGRAMS.issuperset(_programs(word))):
            return False
        if "/" in word and (links.LINKS.search(word) or _PERHAPS_BASE64.fullmatch(word)):
            return False
        return all(_NOBODYS.fullmatch(match[0].strip()) for match in pii.NUMBER.finditer(word))


# A rule that is strong, for what need not be looked up.
_ANY = Rule("secret", "strong")
# Kinds of names behind which the engine also reads a list, or pairs.
_READ_FURTHER = frozenset({"authorization", "cookie"})
# Names that the engine reads in ways of their own.
_OF_THEIR_OWN = ("basic", "bearer", "digest", "negotiate", "identified")


def _may_go_on(classes: str) -> bool:
    """Tell whether a number may go on after a space, other than `0 0`, which is glued and judged as one word.

    Spelled out, as below: a loop would cost more than the searches.
    """
    if "0 -" in classes and ("0 -0" in classes or "0 --0" in classes or "0 - 0" in classes or "0 - -0" in classes):
        return True
    if "0  " in classes and ("0  0" in classes or "0  -0" in classes):
        return True
    return "0- " in classes and ("0- 0" in classes or "0- -0" in classes)


def _may_be_spoken(shape: str) -> bool:
    """Tell whether a line may say a one-time code: `enter 123456 to verify`."""
    return (
        "ode 000000 " in shape
        or "0 to " in shape
        or "0 as " in shape
        or "0 for " in shape
        or "0 - use " in shape
        or "0 - enter " in shape
    )


def _may_call(shape: str) -> bool:
    """Tell whether a line with a word that may be called says with what, as the engine asks; quotes are spaces here."""
    if "( " in shape or "(b " in shape or "sp_" in shape or "crypt(" in shape.lower() or "assword(" in shape:
        return True
    if "LOGIN" in shape or "AUTH" in shape or "PASS " in shape or "SETUSER" in shape:
        return True
    if "login " in shape or ": /" in shape or _CALLED_WITH.search(shape):
        return True
    return "/" in shape and (" at " in shape or " on " in shape)


# login(user, "x")
_CALLED_WITH = re.compile(r"(?:log_?[io]n|auth|enticate|sign[iI]n)\(", re.IGNORECASE)


def _programs(word: str) -> frozenset[str]:
    return commands.FIRST_WORDS.intersection(_LETTERS.findall(word.lower()))


def _remember(known: set[str], word: str) -> None:
    if len(known) >= MAX_WORDS:
        known.clear()
    known.add(word)
