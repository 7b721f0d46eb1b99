"""What `seclog redact` goes by: the redaction and the pseudonyms of a policy."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seclog_handlers.cli import keys
from seclog_handlers.cli.redact_identities import ADDRESS
from seclog_handlers.policy import Policy
from seclog_handlers.pseudonym import Pseudonymizer


@dataclass(frozen=True)
class Rules:
    """What the policy says about redaction.

    Attributes:
        redact: The redactor's arguments; None if redaction is off.
        pseudonymizer: Makes the tokens; None if pseudonyms are off.
        names: Name of a field in the file -> the field that it is for us.
        ip: What becomes of `ip_address`.
    """

    redact: dict[str, Any] | None
    pseudonymizer: Pseudonymizer | None
    names: dict[str, str]
    ip: str = "keep"


def rules(options: argparse.Namespace) -> Rules:
    """Read the policy that the options name; without one the defaults apply, with the keys of --keys if given.

    Raises:
        ConfigurationError: As Policy.load and keys.read do.
    """
    policy = _policy(options)
    settings = policy._settings  # noqa: SLF001 - one package
    tokens = settings.get("pseudonyms", True)
    fields = (*(policy.pseudonymizer.fields if tokens else ()), ADDRESS)
    names = {name: name for name in fields}
    names.update({shown: name for name, shown in policy.fields.items() if name in fields})
    return Rules(
        redact=policy.section("redact") if settings.get("redact", True) else None,
        pseudonymizer=policy.pseudonymizer if tokens or settings.get("ip", "keep") != "keep" else None,
        names=names,
        ip=settings.get("ip", "keep"),
    )


def _policy(options: argparse.Namespace) -> Policy:
    if options.keys is not None:
        given = keys.read(options)
        return Policy({"pseudonyms.keys": list(given.texts), "pseudonyms.scope": given.scope})
    policy = Policy.load(Path(options.config) if options.config is not None else None)
    if options.scope is None:
        return policy
    return Policy({**policy._settings, "pseudonyms.scope": options.scope})  # noqa: SLF001
