"""The redactor: secrets out of texts, values, a record's fields and its message."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from seclog_handlers import _message, rendering
from seclog_handlers._config import as_lines, as_list
from seclog_handlers._occurrences import Search
from seclog_handlers.errors import ConfigurationError
from seclog_handlers.redaction import echoes, known, objects, patterns, structures
from seclog_handlers.redaction.budget import TEXT, Budget, TooDenseError
from seclog_handlers.redaction.censor import DEFAULT_MARKER, Censor
from seclog_handlers.redaction.finder import Finder
from seclog_handlers.redaction.ids import is_random_id
from seclog_handlers.redaction.keys import KeyRules, Rule
from seclog_handlers.redaction.memo import MAX_LENGTH, PLAIN, Memo
from seclog_handlers.redaction.plans import NAMED, Plans
from seclog_handlers.redaction.structures import CARD_FROM
from seclog_handlers.redaction.tree import UNTOUCHED, Walk

# Longer texts are cut before they are scanned.
MAX_TEXT = 262_144
ROOM_FOR_MARK = 64
MAX_ROUNDS = 4
FAILED = "[WITHHELD: error]"
# What may hold much comes last, so that it uses up no budget that an address or a name needs.
LATER = frozenset({dict, list, tuple})
DENSE = "[WITHHELD: too many names]"


class Redactor:
    """Takes secrets and personal data out of what is logged.

    Caller's objects are never changed: new containers come back. Nothing here raises after construction: what cannot
    be judged (an error, too deep, too many nodes, too long) is withheld, with a mark that says why.

    Args:
        keys: Further keys whose values are secret: names in any spelling, `*_suffix`, `prefix_*`, dotted paths.
        allow: Keys that are not secret, against the built-in rules; in the same forms.
        patterns: Regular expressions whose matches are secret (or their group named `secret`).
        known_values: Secrets matched exactly wherever they stand: `env:NAME`, `file:PATH`, or names of environment
            variables by pattern, such as `*_PASSWORD`.
        censor: What stands in a secret's place: a marker, which may contain `{kind}`, or `mask` (the last four stay),
            `token` (equal secrets, equal tokens), `remove`.

    Attributes:
        marker: What stands in a secret's place.
        clean: Short texts that were found to hold no secret; not for writing.
        rules: How names are judged.
        gate: What the words of a text may be.

    Raises:
        ConfigurationError: If a value is of the wrong type, a pattern is no regular expression or not linear, a
            reference resolves to nothing, or the censor is unknown.
    """

    def __init__(
        self,
        keys: Iterable[str] = (),
        allow: Iterable[str] = (),
        patterns: Iterable[str] = (),
        known_values: Iterable[str] = (),
        censor: str = DEFAULT_MARKER,
    ) -> None:
        self._censor = Censor(censor)
        self.rules = KeyRules(_names("redact.keys", keys), _names("redact.allow", allow))
        more = _more(patterns, known_values)
        self._finder = Finder(self.rules, more)
        self.gate = self._finder.gate
        # What the user calls secret may look like anything.
        self._knows_ids = not more
        self.marker = self._censor.marker
        self._memo = Memo()
        self.clean = self._clean = self._memo.clean
        self._plans = Plans(self.rules, self.text, usable=not (self._censor.removes or self.rules.uses_paths))
        shown = self.marker.replace("{kind}", "password")
        if self._finder.find(shown) or self._find(f"{shown} password={shown}", Budget()):
            raise ConfigurationError(
                f"redact.censor is {censor!r}, which would itself be taken for a secret: "
                "use a marker such as '[REDACTED]'.",
            )

    def text(self, text: str, budget: Budget | None = None) -> str:
        """Return `text` without its secrets; at most 256 kB of it, with a mark that says how much is missing.

        Args:
            text: Any text.
            budget: What the record it belongs to may still cost.
        """
        if text in self._clean or (self._knows_ids and is_random_id(text)):
            return text
        try:
            budget = budget or Budget()
            return self._checked(text, budget) if budget.allows(len(text)) else DENSE
        except TooDenseError:
            return DENSE
        except Exception:
            return FAILED

    def censored(self, text: str) -> bool:
        """Tell whether the whole of `text` is what stands in a secret's place."""
        return self._censor.seen(text)

    def ignores(self, key: str) -> bool:
        """Tell whether a key says nothing about its value."""
        plan = self._plans.of((key,))
        return plan is not None and plan[0][1] is None

    def judge_anew(self) -> None:
        """From now on remember nothing about secrets: for those who count what is found."""
        self._memo.remembers = False

    def value(self, value: Any, key: str | None = None) -> Any:
        """Return `value` without its secrets: plain scalars as they are, containers as new ones, the rest as text.

        Args:
            value: Anything.
            key: The name it is logged under, if any.
        """
        try:
            rule = self.rules.rule(key) if type(key) is str else None
            budget = Budget()
            clean = self._walk(budget).value(value, rule)
            search = self.echoes([(value, clean)], budget) if type(clean) in LATER else None
            return clean if search is None else self._walk(budget).value(search.inside(clean), rule)
        except Exception:
            return FAILED

    def echoes(
        self, changes: Sequence[tuple[Any, Any]], budget: Budget, shown: echoes.Shown = echoes.nothing_known
    ) -> Search | None:  # fmt: skip
        """Return what finds the secrets that were taken out of something wherever else they stand; None without any.

        Args:
            changes: What was given, and what this redactor made of it.
            budget: What that has left of the record's; where it is little, nothing is looked for.
            shown: Returns all that is shown now, if that is known.
        """
        pairs = echoes.echoes(changes, self._censor, shown) if budget.affords_more() else None
        return Search(pairs) if pairs else None

    def fields(
        self, mapping: Mapping[str, Any], leave: Collection[str] = frozenset(), budget: Budget | None = None
    ) -> dict[str, Any]:
        """Return a record's extra fields without their secrets.

        Args:
            mapping: The fields, by name.
            leave: Names whose values pass as they are.
            budget: What the record may still cost.
        """
        changed = self.changes(mapping, tuple(mapping), leave, budget)
        return self._one_by_one(mapping, leave, budget) if changed is None else {**mapping, **changed}

    def line(self, mapping: Mapping[str, Any], leave: Collection[str] = frozenset()) -> dict[str, Any]:
        """Return the fields of a line without their secrets, wherever in it they stand.

        Args:
            mapping: The fields, by name.
            leave: Names whose values pass as they are.
        """
        budget = Budget()
        clean = self.fields(mapping, leave, budget)
        search = self.echoes([(mapping, clean)], budget)
        if search is None:
            return clean
        replaced = {key: item if key in leave else search.inside(item) for key, item in clean.items()}
        return self.fields(replaced, leave, budget)

    def changes(
        self,
        mapping: Mapping[str, Any],
        names: tuple[str, ...],
        leave: Collection[str] = frozenset(),
        budget: Budget | None = None,
    ) -> dict[str, Any] | None:
        """Return what `fields` would change, by name; None if it might rename or remove a field, too.

        Args:
            mapping: Fields by name, and perhaps more.
            names: Which of them are meant.
            leave: Names whose values pass as they are.
            budget: What the record may still cost.
        """
        plan = self._plans.of(names)
        if plan is None:
            return None
        changed: dict[str, Any] = {}
        clean, walk = self._clean, None
        containers: list[tuple[str, Rule | None]] = []
        for key, known_rule in plan:
            value, rule = mapping[key], known_rule
            kind = type(value)
            if rule is None and (
                (kind is str and value in clean)
                or kind in UNTOUCHED
                or (kind is int and -CARD_FROM < value < CARD_FROM)
            ):
                continue
            if key in leave:
                continue
            if rule is NAMED:
                rule = self._named(mapping, names) or self.rules.rule(key)
            if kind in LATER:
                containers.append((key, rule))
                continue
            walk = walk or self._walk(budget)
            try:
                changed[key] = walk.field(key, value, rule, mapping)
            except Exception:
                changed[key] = FAILED
        for key, rule in containers:
            walk = walk or self._walk(budget)
            try:
                changed[key] = walk.field(key, mapping[key], rule, mapping)
            except Exception:
                changed[key] = FAILED
        return changed

    def _named(self, mapping: Mapping[str, Any], names: tuple[str, ...]) -> Rule | None:
        """Return the rule of what one field says that another holds."""
        return structures.named({name: mapping[name] for name in names}, self.rules)

    def _one_by_one(self, mapping: Mapping[str, Any], leave: Collection[str], budget: Budget | None) -> dict[str, Any]:
        result: dict[str, Any] = {}
        budget = budget or Budget()
        walk = self._walk(budget)
        named = self._named(mapping, tuple(mapping)) if len(mapping) <= structures.MAX_ENTRY else None
        for key, value in mapping.items():
            if key in leave:
                result[key] = value
                continue
            if budget.is_spent() and key not in self._clean:
                result[DENSE] = DENSE
                continue
            try:
                rule = named if named is not None and structures.is_value_key(key.lower()) else walk.begin(key)
                redacted = walk.field(key, value, rule, mapping)
                if self._censor.removes and rule is not None and redacted == self.marker:
                    continue
            except Exception:
                redacted = FAILED
            result[key if key in self._clean else self.text(key, budget)] = redacted
        return result

    def message(self, msg: Any, args: Any, budget: Budget | None = None) -> tuple[Any, Any]:
        """Return a record's `msg` and `args` without their secrets, still fit for each other.

        The number of arguments stays, a mapping stays a mapping, clean numbers stay numbers. Arguments that do not
        fit the template are withheld, with a note.

        Args:
            msg: The message, or its template.
            args: The arguments.
            budget: What the record may still cost.
        """
        try:
            if type(msg) is str and type(args) is tuple and args and PLAIN.issuperset(map(type, args)):
                return self._plain_message((msg, args), budget or Budget())
            return self._message(msg, args, budget or Budget())
        except TooDenseError:
            return DENSE, ()
        except Exception:
            return FAILED, ()

    def _plain_message(self, message: tuple[str, tuple[Any, ...]], budget: Budget) -> tuple[Any, Any]:
        """Answer from memory where the same template came with the same arguments before."""
        if message in self._memo.clean_messages:
            return message
        shown = repr(message) if self._memo.remembers and _is_short(message) else ""
        if not 0 < len(shown) <= MAX_LENGTH:
            return self._message(*message, budget)
        key = self._memo.key(shown)
        known = self._memo.message(key)
        if known is None:
            known = self._message(*message, budget)
            if not budget.withheld:
                self._memo.keep_message(key, message, known)
        return known

    def _message(self, msg: Any, args: Any, budget: Budget) -> tuple[Any, Any]:
        kind = type(args)
        if args is None or (kind is tuple and not args) or (issubclass(kind, dict) and not dict.__len__(args)):
            return (self.text(msg, budget) if type(msg) is str else self._walk(budget).value(msg, None)), args
        if type(msg) is not str:
            msg = str.__str__(msg) if issubclass(type(msg), str) else rendering.text(msg)
        msg, args = self._args(msg, args, budget)
        return _message.rewrite(msg, args, lambda text: self._replacements(text, budget))

    def _args(self, msg: str, args: Any, budget: Budget) -> tuple[str, Any]:
        """Return a template and its arguments without their secrets, each argument judged for itself."""
        kind = type(args)
        if kind is tuple:
            clean = self._clean
            for arg in args:
                kind = type(arg)
                if not ((kind is str and arg in clean) or kind in UNTOUCHED or (kind is int and abs(arg) < CARD_FROM)):
                    break
            else:
                return msg, args
            walk = self._walk(budget)
            if any(map(objects.is_object, args)):
                return objects.as_logged(msg, args, walk, self._censor)
            return msg, tuple([walk.value(arg, None) for arg in args])
        if issubclass(kind, dict):
            redacted = self._walk(budget).mapping(args, None, 0)
            return msg, redacted if kind is dict else _message.Atoms(redacted)
        if kind is MappingProxyType or any(base is Mapping for base in rendering.mro(kind)):
            named = _message.asked_for(msg, args)
            if named is not None:
                return msg, self._walk(budget).mapping(named, None, 0)
        return msg, (self._walk(budget).value(args, None),)

    def _walk(self, budget: Budget | None = None) -> Walk:
        return Walk(self.text, self.rules, self._censor, self._plans, self._memo, budget or Budget())

    def _checked(self, text: str, budget: Budget) -> str:
        if len(text) <= MAX_LENGTH and self._memo.remembers:
            key = self._memo.key(text)
            known = self._memo.result(key)
            if known is None:
                budget.spend(TEXT)
                known = self._scanned(text, budget)
                if known != text and not budget.withheld:
                    self._memo.keep(key, known)
            return known
        if len(text) > MAX_TEXT:
            head, missing = _cut(text, MAX_TEXT)
            return f"{self._scanned(head, budget)}[CUT: {missing} characters missing]"
        return self._scanned(text, budget)

    def _scanned(self, text: str, budget: Budget) -> str:
        """Redact until a further pass would change nothing."""
        for _ in range(MAX_ROUNDS):
            try:
                found = self._find(text, budget)
            except TooDenseError:
                return DENSE
            if not found:
                self._memo.keep_clean(text)
                return text
            text = _message.applied(text, self._replaced(text, found))
        return text

    def _find(self, text: str, budget: Budget) -> list[tuple[int, int, str]]:
        return self._finder.find(self._censor.seal(text), budget)

    def _replacements(self, text: str, budget: Budget) -> list[tuple[int, int, str]]:
        if text in self._clean:
            return []
        if len(text) > MAX_TEXT:
            head, missing = _cut(text, MAX_TEXT)
            rest = (len(head), len(text), f"[CUT: {missing} characters missing]")  # no formatter shows what nobody saw
            return [*self._replaced(head, self._find(head, budget)), rest]
        return self._replaced(text, self._find(text, budget))

    def _replaced(self, text: str, found: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
        replacement = self._censor.replacement
        return [(start, end, replacement(text[start:end], kind)) for start, end, kind in found]


def _is_short(message: tuple[str, tuple[Any, ...]]) -> bool:
    """Whether a repr costs little: of megabytes it takes as many again."""
    msg, args = message
    for arg in args:
        if type(arg) is str and len(arg) > MAX_LENGTH:
            return False
    return len(msg) <= MAX_LENGTH


def _cut(text: str, limit: int) -> tuple[str, int]:
    """Cut before `limit`, and before the unbroken run that stands there; return it and how much is missing."""
    parts = text[: limit - ROOM_FOR_MARK].rsplit(None, 1)
    head = parts[0] + " " if len(parts) > 1 else ""
    return head, len(text) - len(head)


def _names(key: str, value: Any) -> list[str]:
    return [name for name in as_list(key, value) if name.strip("*. ")]


def _more(regexes: Any, references: Any) -> list[Any]:
    more = []
    compiled = patterns.compile_patterns(as_lines("redact.patterns", regexes))
    values = known.known_values(as_list("redact.known_values", references))
    if compiled:
        more.append(patterns.finder(compiled))
    if values:
        more.append(known.finder(values))
    return more
