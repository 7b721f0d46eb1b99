"""Where commands take pseudonym keys from: a policy file or a reference, never the command line itself."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seclog_handlers.errors import ConfigurationError

if TYPE_CHECKING:
    from seclog_handlers.pseudonym import Pseudonymizer

_REFERENCES = ("env:", "file:")


class Keys(NamedTuple):
    """Keys as texts, oldest first, and the tenant whose tokens they make."""

    texts: tuple[str, ...]
    scope: str

    def __repr__(self) -> str:
        """Show how many there are, never one of them."""
        return f"Keys({len(self.texts)})"

    def pseudonymizer(self, key_id: str | None = None) -> Pseudonymizer | None:
        """Return what makes the tokens of all keys, or of those with that id; None if there is none."""
        from seclog_handlers.pseudonym import KeyRing, Pseudonymizer  # noqa: PLC0415 - not to parse a command line

        ring = KeyRing(self.texts)
        texts = [text for text, key in zip(self.texts, ring.keys, strict=True) if key_id is None or key.id == key_id]
        return Pseudonymizer(keys=texts, scope=self.scope) if texts else None


def add_arguments(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add --config, --keys and --scope; one of the first two must be given, where they are required."""
    source = parser.add_mutually_exclusive_group(required=required)
    source.add_argument("--config", metavar="FILE", help="the policy whose keys count: an INI or TOML file")
    source.add_argument("--keys", metavar="REF", help="or the keys themselves by reference: env:NAME or file:PATH")
    parser.add_argument("--scope", help="the tenant (pseudonyms.scope); with --config that of the policy")


def read(options: argparse.Namespace) -> Keys:
    """Return the keys that the options name.

    Raises:
        ConfigurationError: For an unreadable policy, a reference to nothing, a key in clear, or no key at all.
    """
    if options.keys is not None:
        return Keys(tuple(_by_reference(options.keys)), options.scope or "")
    settings = _policy_settings(options.config)
    if not settings.get("keys"):
        raise ConfigurationError(
            f"{options.config!r} names no pseudonyms.keys: its tokens are random in each process, and nobody can make "
            "them again. Name the policy that the service runs with, or the keys with --keys file:PATH.",
        )
    scope = settings.get("scope", "") if options.scope is None else options.scope
    return Keys(tuple(settings["keys"]), scope)


def _by_reference(value: str) -> list[str]:
    from seclog_handlers import _config  # noqa: PLC0415 - not to parse a command line
    from seclog_handlers.pseudonym import parse_keys  # noqa: PLC0415

    if not all(word.startswith(_REFERENCES) for word in _config.as_list("--keys", value)) or not value.strip():
        raise ConfigurationError(
            "--keys takes references only, env:NAME or file:PATH: what stands on a command line is seen by every user "
            "of this machine and kept in the shell's history. Write the key into a file of mode 600 and give "
            "--keys file:PATH. If that was a key that is in use, replace it: seclog key rotate FILE.",
        )
    return parse_keys("--keys", value)


def _policy_settings(path: str) -> dict[str, Any]:
    from seclog_handlers.policy import Policy  # noqa: PLC0415 - imports all stages

    return Policy.load(Path(path)).section("pseudonyms")
