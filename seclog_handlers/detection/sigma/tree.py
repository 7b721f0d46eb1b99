"""A Sigma condition as `where` and `unless` of a rule: alternatives, each a mapping of field to condition."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

from seclog_handlers.detection.sigma import vocabulary
from seclog_handlers.detection.sigma.atoms import Formula, formula, spec_of
from seclog_handlers.errors import ConfigurationError

# Alternatives that a rule may have after its condition is multiplied out: each event may have to try them all.
MAX_ALTERNATIVES = 500


@dataclass(frozen=True)
class Leaf:
    """A formula of one field."""

    field: str
    formula: Formula


@dataclass(frozen=True)
class Branch:
    """Conditions joined by `and` or `or`, or one under `not`."""

    word: str
    parts: tuple[Tree, ...]


Tree = Leaf | Branch
Clause = dict[str, Formula]


def read_tree(place: str, found: Any) -> Tree:
    """Return pySigma's parsed condition with our fields.

    Raises:
        ConfigurationError: For what cannot be decided on one event of ours.
    """
    name = type(found).__name__
    if name == "ConditionFieldEqualsValueExpression":
        return _field(f"{place}: {found.field}", found.field, found.value)
    if name == "ConditionValueExpression":
        return _keyword(f"{place}: a search without a field", found.value)
    words = {"ConditionAND": "and", "ConditionOR": "or", "ConditionNOT": "not"}
    if name not in words:
        raise ConfigurationError(f"{place} has a condition of the kind {name}, which is not supported.")
    return Branch(words[name], tuple(read_tree(place, part) for part in found.args))


def _field(place: str, name: str, value: Any) -> Tree:
    found = formula(place, value)
    if name.lower() == "event.outcome":
        return _outcome(place, found)
    if name.lower() == "event.category":
        return _category(place, found)
    fields = vocabulary.fields_of(name)
    leaves = tuple(Leaf(field, _event_type(field, found)) for field in fields)
    # Absent is what is in none of the fields.
    word = "and" if found == ["is", {"exists": False}] else "or"
    return leaves[0] if len(leaves) == 1 else Branch(word, leaves)


def _event_type(field: str, found: Formula) -> Formula:
    """Compare event types as they are: they are lower-case words, and rules are sorted by them."""
    word = plain_word(found)
    return ["is", word] if field == "event_type" and word is not None else found


def plain_word(found: Formula) -> str | None:
    """Return the text, in lower case, that a formula compares with; None if it does anything else."""
    if found[0] == "text" and len(found[1]) == 1 and isinstance(found[1][0], str):
        word: str = found[1][0].lower()
        return word
    return found[1].lower() if found[0] == "is" and isinstance(found[1], str) else None


def _outcome(place: str, found: Formula) -> Tree:
    word = plain_word(found)
    if word not in vocabulary.OUTCOMES:
        raise ConfigurationError(f"{place} is compared with something else than success or failure: use one of these.")
    return any_of([Leaf(field, ["is", vocabulary.OUTCOMES[word]]) for field in vocabulary.OUTCOME_FIELDS])


def _category(place: str, found: Formula) -> Tree:
    types = vocabulary.CATEGORIES.get(plain_word(found) or "")
    if types is None:
        raise ConfigurationError(f"{place} must be one of {', '.join(vocabulary.CATEGORIES)}: use one, or event_type.")
    return any_of([Leaf("event_type", ["is", kind]) for kind in types])


def _keyword(place: str, value: Any) -> Tree:
    found = formula(place, value)
    if found[0] == "text":
        found = ["text", *([0, *[part for part in shape if part != ""], 0] for shape in found[1:])]
    elif found[0] == "is" and not isinstance(found[1], dict):
        found = ["text", [0, str(found[1]), 0]]
    return any_of([Leaf(field, found) for field in vocabulary.KEYWORD_FIELDS])


def any_of(parts: list[Tree]) -> Tree:
    """Return the tree that holds where one of the parts does."""
    return parts[0] if len(parts) == 1 else Branch("or", tuple(parts))


def all_of(parts: list[Tree]) -> Tree:
    """Return the tree that holds where all parts do."""
    return parts[0] if len(parts) == 1 else Branch("and", tuple(parts))


def folded(tree: Tree) -> Tree:
    """Return the same with everything about one field in one leaf, as far as that goes."""
    if isinstance(tree, Leaf):
        return tree
    parts = _flat(tree.word, [folded(part) for part in tree.parts])
    if tree.word == "not":
        only = parts[0]
        return Leaf(only.field, ["not", only.formula]) if isinstance(only, Leaf) else Branch("not", (only,))
    leaves: dict[str, list[Formula]] = {}
    order: list[Tree | str] = []
    for part in parts:
        if isinstance(part, Leaf):
            if part.field not in leaves:
                order.append(part.field)
            leaves.setdefault(part.field, []).append(part.formula)
        else:
            order.append(part)
    joined = [Leaf(entry, joined_by(tree.word, leaves[entry])) if isinstance(entry, str) else entry for entry in order]
    return joined[0] if len(joined) == 1 else Branch(tree.word, tuple(joined))


def _flat(word: str, parts: list[Tree]) -> list[Tree]:
    if word == "not":
        return parts
    return [
        inner for part in parts for inner in (part.parts if isinstance(part, Branch) and part.word == word else (part,))
    ]


def joined_by(word: str, formulas: list[Formula]) -> Formula:
    """Return one formula for several of the same field."""
    if len(formulas) == 1:
        return formulas[0]
    if word == "or" and all(found[0] == "text" for found in formulas):
        return ["text", *(shape for found in formulas for shape in found[1:])]
    inner = [part for found in formulas for part in (found[1:] if found[0] == word else [found])]
    return [word, *inner]


def conditions(place: str, tree: Tree) -> tuple[Any, Any]:
    """Return `where` and `unless` for a condition: what is negated at its top becomes `unless`."""
    parts = _flat("and", [tree]) if isinstance(tree, Branch) else [tree]
    refused = [part.parts[0] for part in parts if isinstance(part, Branch) and part.word == "not"]
    wanted = [part for part in parts if not (isinstance(part, Branch) and part.word == "not")]
    where = alternatives(place, all_of(wanted)) if wanted else {}
    return where, alternatives(place, any_of(refused)) if refused else None


def alternatives(place: str, tree: Tree) -> Any:
    """Return a condition as a mapping, or as a list of mappings one of which must hold.

    Raises:
        ConfigurationError: If that takes more than MAX_ALTERNATIVES mappings.
    """
    multiplied = _clauses(place, folded(tree), holds=True)
    clauses = [{field: spec_of(found) for field, found in clause.items()} for clause in multiplied]
    return clauses[0] if len(clauses) == 1 else clauses


def _clauses(place: str, tree: Tree, *, holds: bool) -> list[Clause]:
    """Return the alternatives under which the tree holds, or under which it does not."""
    if isinstance(tree, Leaf):
        return [{tree.field: tree.formula if holds else ["not", tree.formula]}]
    if tree.word == "not":
        return _clauses(place, tree.parts[0], holds=not holds)
    parts = [_clauses(place, part, holds=holds) for part in tree.parts]
    if (tree.word == "or") is holds:
        return [clause for part in parts for clause in part]
    size = 1
    for part in parts:
        size *= len(part)
    if size > MAX_ALTERNATIVES:
        raise ConfigurationError(
            f"{place}: the condition has {size} alternatives when it is multiplied out, and at most "
            f"{MAX_ALTERNATIVES} are tried: make several rules of it.",
        )
    return [_merged(chosen) for chosen in product(*parts)]


def _merged(clauses: tuple[Clause, ...]) -> Clause:
    found: dict[str, list[Formula]] = {}
    for clause in clauses:
        for field, part in clause.items():
            found.setdefault(field, []).append(part)
    return {field: joined_by("and", formulas) for field, formulas in found.items()}
