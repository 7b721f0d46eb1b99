"""Finds every secret of one text: the gate says where to look, local matchers look there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from seclog_handlers.redaction import (
    calls,
    commands,
    cookies,
    entries,
    gate,
    keyvalue,
    layers,
    links,
    members,
    mentions,
    notations,
    pii,
    signs,
    tokens,
    web,
)
from seclog_handlers.redaction.budget import FOUND, TEXT, Budget
from seclog_handlers.redaction.censor import SEAL
from seclog_handlers.redaction.echoes import MAX_COPIED, is_telling
from seclog_handlers.redaction.keys import KeyRules, Rule
from seclog_handlers.redaction.vocabulary import SHORT

Found = tuple[int, int, str]
# Where a name begins and ends, and the name, in lower case.
Place = tuple[int, int, str]

_SCHEMES = frozenset({"bearer", "basic", "digest", "negotiate", "hmac"})
_NEXT_WORD = re.compile(r"[ \t]([^\W\d_]{2,14})(?![^\W\d_])")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}={0,2}(?![A-Za-z0-9+/_-])")
MAX_BASE64 = 65_536
# What it costs to look at what begins like a token.
TOKEN = 2
# Of so few words each place is looked up; of more, the text is searched once for all names.
FEW = 6
MAX_WITHIN = 1024
_LOWER = {code: code + 32 for code in range(65, 91)}


def _marks(word: str) -> int:
    """Tell for the gate what a word, in lower case, may be beside a name."""
    marks = gate.PROGRAM if word in commands.FIRST_WORDS else 0
    if word in links.LINK_WORDS:
        marks |= gate.LINK
    if calls.CALLED.search(word):
        marks |= gate.CALL
    if notations.SPOKEN.search(word):
        marks |= gate.SPOKEN
    if word in notations.WORDS:
        marks |= gate.NOTATION
    return marks


class Finder:
    """Finds secrets in text.

    Args:
        rules: How names are judged.
        more: Further finders, each from text to spans: a user's patterns, known values.

    Attributes:
        gate: What the words of a text may be.
    """

    def __init__(self, rules: KeyRules, more: Iterable[Callable[[str], Iterable[Found]]] = ()) -> None:
        self._rules = rules
        self._more = tuple(more)
        mine = [word for word in rules.mentions() if word]
        self._words = re.compile(gate.trie([*mentions.LONG_WORDS, *mine], mentions.SHORT_WORDS))
        self.gate = gate.Words(self._words, _marks)
        self._within: dict[str, list[Place]] = {}
        self._programs = re.compile(gate.trie(commands.WORDS))
        starts = gate.trie(look.start for looks in tokens.LOOKS.values() for look in looks)
        self._tokens = re.compile(f"(?<![A-Za-z0-9]){starts}")

    def find(self, text: str, budget: Budget | None = None) -> list[Found]:
        """Return (start, end, kind) of everything secret, sorted and without overlaps.

        Args:
            text: Any text.
            budget: What the record it belongs to may still cost.

        Raises:
            TooDenseError: If the text asks for more than that.
        """
        return self._find(text, budget or Budget(), 0)

    def _find(self, text: str, budget: Budget, depth: int) -> list[Found]:
        length = len(text)
        budget.spend(TEXT + (length >> 6))
        raw = text.encode("ascii", "replace")  # of the same length
        is_ascii = text.isascii()
        named, marks, programs = self.gate.found(raw)
        users = web.users(text, budget.spend) if "://" in text and "@" in text else []
        found = [user for user in users if user[2]]
        if named != [] or not is_ascii:
            self._names(text, (named or []) if is_ascii else [], budget, found, users)
        if marks & gate.PROGRAM or commands.HTTPIE in text:
            self._commands(text, gate.words(raw) if programs is None else programs, budget, found)
        if "-u" in text or "-U" in text:
            budget.read(2 * length)
            found.extend(commands.user_and_p(text, budget.spend))
        if marks & gate.CALL:
            self._calls(text, budget, found)
        runs = gate.long_runs(raw)
        if "data:image/" in text:
            runs = links.without_pictures(text, runs)
        ids = [run for run in runs if self._run(text, *run, budget, found, depth)]
        _numbers(text, raw, ids, budget, found)
        if "@" in text:
            if ":" in text:
                budget.read(2 * length)
                bare = web.bare_users(text, budget.spend)
                found.extend(bare)
                users += bare
            found.extend(pii.emails(text, users, budget.spend))
        if marks & gate.LINK and "/" in text:
            found.extend(links.path_tokens(text, budget.spend))
        if (
            marks & gate.SPOKEN
            and (" to " in text or "our " in text or "our+" in text or " the " in text or "ode " in text)
            and gate.has_code(raw)
        ):
            budget.read(length)
            found.extend(notations.spoken_codes(text, budget.spend))
        if "-----BEGIN" in text or "1$" in text or "Q~" in text or "SCRAM-SHA-" in text:
            signs.find(text, budget, found)
        if marks & gate.NOTATION or ":5432:" in text or "7z " in text:
            budget.read(length)
            found.extend(notations.compact(text))
        for more in self._more:
            budget.read(length)
            found.extend(more(text))
        if depth < layers.MAX_LAYERS and layers.may_decode(text):
            layer = layers.decode(text, budget.spend)
            if layer is not None:
                for first, last, kind in self._find(layer.text, budget, depth + 1):
                    start, end = layer.back(first, last)
                    # What looks like a mailbox once it is decoded may be the password and the host of a URL.
                    if kind != "email" or not any(begin <= start <= stop <= end for begin, stop, _ in users):
                        found.append((start, end, kind))
        if not found:
            return found
        budget.spend(FOUND * len(found))
        if not depth:
            found.extend(_copies(text, found, budget))
        return merged(text, found)

    def _calls(self, text: str, budget: Budget, found: list[Found]) -> None:
        """Find what functions and protocols are called with, where a place stands for the name."""
        if "('" in text or '("' in text or ", '" in text or ', "' in text or "sp_" in text or '( "' in text:
            budget.read(len(text))
            found.extend(calls.call_arguments(text, budget.spend))
        if (
            "AUTH" in text
            or "LOGIN " in text
            or "PASS " in text
            or "SETUSER" in text
            or "OPER " in text
            or "334 " in text
            or "login " in text
            or ": /" in text
        ):
            budget.read(len(text))
            found.extend(calls.protocols(text, budget.spend))
        if "crypt(" in text or "CRYPT(" in text or "assword(" in text or "jwt." in text:
            budget.read(len(text))
            found.extend(calls.ciphers(text, budget.spend))
        if ("og" in text or "OG" in text) and ("/" in text or ":" in text):
            budget.read(len(text))
            found.extend(notations.logins(text, budget.spend))
        if "input_value=" in text:
            budget.read(len(text))
            found.extend(entries.pydantic(text, self._rules, budget.spend))

    def _names(self, text: str, named: list[str], budget: Budget, found: list[Found], users: list[Found]) -> None:
        done = zone = 0
        zones = [(text.rindex("://", 0, start), end) for start, end, _ in users]
        low = _lower(text)
        sealed = SEAL in text
        if 0 < len(named) <= FEW:
            places: Iterable[Place] = self._places(low, named, budget)
        else:
            budget.read(3 * len(text))
            places = map(_place, self._words.finditer(low))
        for start, end, word in places:
            if start < done:
                continue
            while zone < len(zones) and zones[zone][1] <= start:
                zone += 1
            if zone < len(zones) and zones[zone][0] < start:
                continue
            if sealed and _CENSORED.match(text, end):
                budget.spend(TOKEN)
                continue
            budget.spend()
            done = max(done, self._name(text, start, end, word, found, budget))

    def _places(self, low: str, named: list[str], budget: Budget) -> list[Place]:
        """Return the names in a text whose only words with names are `named`: most of it need not be read again."""
        places: list[Place] = []
        for word in named:
            within = self._within.get(word) or self._names_within(word)
            position, length = low.find(word), len(word)
            while position >= 0:
                budget.spend(1)
                end = position + length
                if not (low[position - 1 : position].isalpha() or low[end : end + 1].isalpha()):
                    places += [(position + first, position + last, name) for first, last, name in within]
                position = low.find(word, end)
        if len(named) > 1:
            places.sort()
        return places

    def _names_within(self, word: str) -> list[Place]:
        """Return the names that a word holds, remembered: a program says few such words."""
        found = list(map(_place, self._words.finditer(word)))
        if len(word) <= gate.MAX_WORD:
            if len(self._within) >= MAX_WITHIN:
                self._within.clear()
            self._within[word] = found
        return found

    def _name(self, text: str, start: int, end: int, word: str, found: list[Found], budget: Budget) -> int:
        if word in _SCHEMES:
            if web.is_challenge(text, end):
                return end
            spans = web.signed_by_aws(text, end) if word == "hmac" else web.scheme(text, end, word)
            if spans:
                found.extend(spans)
                return spans[-1][1]
        if word == "identified":
            return notations.identified(text, end, found)
        start, end = keyvalue.identifier(text, start, end)
        budget.spend(end - start >> 2)
        rule = keyvalue.rule_at(text, start, end, self._rules)
        if rule is None or rule.sort == "weak" or text[start:end].lower() in SHORT:
            rule, end = self._with_next(text, start, end, rule)
            if rule is None:
                return end
        return self._by_kind(text, start, end, rule, found, budget)

    def _by_kind(self, text: str, start: int, end: int, rule: Rule, found: list[Found], budget: Budget) -> int:
        spans: list[Found] | None = None
        if rule.kind == "authorization" and rule.sort != "weak":
            spans = web.authorization(text, end)
        elif rule.kind == "cookie":
            spans = cookies.header(text, end, setting="set" in text[start:end].lower(), spend=budget.spend)
        if spans is None:
            spans = keyvalue.find(text, start, end, rule)
        budget.spend(FOUND * len(spans))
        if len(spans) == 1 and text[spans[0][0]] in _CONTAINERS and rule.sort in ("strong", "code"):
            first, last, kind = spans[0]
            inner = members.secrets_in(text, first, last, self._rules, rule)
            if inner is not None:
                budget.spend(last - first >> 3)
                found.extend([(*span, kind) for span in inner])
                return last
        found.extend(spans)
        return spans[-1][1] if spans else end

    def _commands(self, text: str, words: list[bytes], budget: Budget, found: list[Found]) -> None:
        low = _lower(text)
        found.extend(commands.options(text, self._programs_in(text, low, words, budget), budget.spend))
        if "into" in low:
            budget.read(len(text))
            found.extend(commands.inserted(text, self._is_column, budget.spend))
        if "|" in text:
            budget.read(len(text))
            found.extend(commands.piped(text))
        if "AUTH" in text or "args: [" in text:
            budget.read(len(text))
            found.extend(calls.redis_auth(text))

    def _programs_in(self, text: str, low: str, words: list[bytes], budget: Budget) -> list[tuple[int, str]]:
        """Return where programs stand, and which: most of the text need not be read for them."""
        places: list[tuple[int, str]] = []
        for word in {commands.HTTPIE, *commands.FIRST_WORDS.intersection(map(bytes.decode, words))}:
            position = low.find(word)
            while position >= 0:
                budget.spend(1)
                program = self._programs.match(low, position)
                if program is not None and commands.REQUIRED.get(program[0], "") in text:
                    places.append((position, program[0]))
                position = low.find(word, position + len(word))
        return sorted(places)

    def _is_column(self, name: str) -> bool:
        rule = self._rules.rule(name)
        return rule is not None and rule.sort != "weak"

    def _with_next(self, text: str, start: int, end: int, rule: Rule | None) -> tuple[Rule | None, int]:
        """`session id`, `social security number`: the name may go on after a space."""
        stop, name = end, text[start:end]
        for _ in range(2):
            follows = _NEXT_WORD.match(text, stop)
            if follows is None or follows[1].lower() not in mentions.AFTER_WORDS:
                break
            stop, name = follows.end(), f"{name} {follows[1]}"
            joined = self._rules.rule(name)
            if joined is not None and joined.sort != "weak" and follows[1].lower() != "of":
                rule, end = joined, stop
        return rule, end

    def _run(self, text: str, start: int, stop: int, budget: Budget, found: list[Found], depth: int) -> bool:
        """Find the tokens, and what is encoded, in a stretch without whitespace and quotes; tell if it is a UUID."""
        budget.spend(4 + (stop - start >> 4))
        identity = _ID.fullmatch(text, start, stop)
        if identity is not None:
            if identity["hex"] is not None and self._is_encoded(identity["hex"], budget, depth):
                found.append((*identity.span("hex"), "encoded"))
            return identity["uuid"] is not None
        done = 0
        for match in self._tokens.finditer(text, start, stop):
            if match.start() < done:
                continue
            budget.spend(TOKEN)
            token = tokens.token_at(text, match.start(), match[0].lower())
            if token is not None:
                done = token[0]
                start_of = match.end() if token[1].endswith("-webhook") else match.start()  # whose it is stays
                found.append((start_of, done, token[1]))
        if _WORDS.fullmatch(text, start, stop):
            return False
        found.extend(tokens.shaped(text, start, stop))
        if depth < layers.MAX_LAYERS:
            for match in _BASE64.finditer(text, start, stop):
                budget.spend(TOKEN)
                if self._is_encoded(match[0], budget, depth):
                    found.append((match.start(), match.end(), "encoded"))
        return False

    def _is_encoded(self, run: str, budget: Budget, depth: int) -> bool:
        budget.spend(4 + (len(run) >> 6))
        decoded = web.decoded(run) if len(run) <= MAX_BASE64 else None
        if decoded is None:
            return False
        return _USER_AND_PASSWORD.fullmatch(decoded) is not None or bool(self._find(decoded, budget, depth + 1))


# An id, alone or after its name: most long runs are one. Nothing is in it unless it is hexadecimal text.
_ID = re.compile(
    r"(?:[a-z_]{1,32}[=:/])?(?:(?P<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})|(?!\d{13,19}(?!\w))[0-9a-f]{16,23}"
    r"|(?P<hex>[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}))[,;.)\]}]{0,2}"
)
# Lower-case letters alone, the most frequent of the others, are neither encoded nor a token without a beginning.
_WORDS = re.compile(r"[a-z_,;:./()\[\]=-]+")
_USER_AND_PASSWORD = re.compile(
    r"[\w.@+-]{0,64}\0[\w.@+-]{1,64}\0[^\0\s]{4,128}|[\w.@+$-]{1,64}:(?!\d+$)(?![0-9a-f-]{32,36}$)[^\s:]{4,128}"
)


# What follows a name whose value went in an earlier pass: there is no need to look again.
_CENSORED = re.compile(
    rf"[\w.-]{{0,40}}[\"']?\s{{0,2}}(?:[=:]>?)?\s{{0,2}}[\"']?(?:(?:[Bb]earer|[Bb]asic|[Tt]oken) )?{SEAL}{{1,200}}"
    r"(?=[\"';)\]}&<\n]|\s(?!(?:is|was|to|now|as|set|has|or|and)\b)\w|$)"
)


def _place(match: re.Match[str]) -> Place:
    return match.start(), match.end(), match[0]


def _lower(text: str) -> str:
    low = text.lower()
    return low if len(low) == len(text) else text.translate(_LOWER)


_CONTAINERS = frozenset("{[")


def _numbers(text: str, raw: bytes, ids: list[tuple[int, int]], budget: Budget, found: list[Found]) -> None:
    """Find numbers of people, accounts and cards; UUIDs, where `ids` are, hold none."""
    if gate.has_number(raw) and not (ids and not gate.has_number(gate.without(raw, ids))):
        budget.read(len(text))
        found.extend(pii.numbers(text, budget.spend))
        if "=" in text or "^" in text or "D" in text:
            found.extend(pii.tracks(text))
        if "/+" in text:
            found.extend(pii.dialled(text))
    if gate.has_lettered_id(raw):
        budget.read(3 * len(text))
        found.extend(pii.ibans(text, budget.spend))
        found.extend(pii.lettered_ids(text, budget.spend))


def _copies(text: str, found: list[Found], budget: Budget) -> list[Found]:
    """Find where the first secrets of a text stand once more: in a message and in the line of source that made it."""
    copies: list[Found] = []
    values = {text[start:end]: (start, kind) for start, end, kind in found[:MAX_COPIED]}
    for value, (first, kind) in values.items():
        if not is_telling(value):
            continue
        budget.read(len(text))
        position = text.find(value)
        while position >= 0:
            budget.spend(1)
            alone = not _WORD.match(text, position + len(value)) and not text[position - 1 : position].isalnum()
            if position != first and alone:
                copies.append((position, position + len(value), kind))
            position = text.find(value, position + len(value))
    return copies


_WORD = re.compile(r"[A-Za-z0-9]")


def merged(text: str, found: list[Found]) -> list[Found]:
    """Sort spans, join those that overlap (the longest names the kind), drop what an earlier pass has censored."""
    found.sort()
    result: list[Found] = []
    for start, end, kind in found:
        if start >= end or not text[start:end].strip(SEAL + "\"'`\\ ,;[](){}"):
            continue
        if result and start < result[-1][1]:
            before = result[-1]
            longer = kind if end - start > before[1] - before[0] else before[2]
            result[-1] = (before[0], max(end, before[1]), longer)
        else:
            result.append((start, end, kind))
    return result
