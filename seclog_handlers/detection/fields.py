"""Fields that group events: read from an event, as identities for the state and as shown on an alert."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any

from seclog_handlers import rendering
from seclog_handlers.detection.conditions import Event, present, reader
from seclog_handlers.enrichment.addresses import ipv4_network, parse_address
from seclog_handlers.errors import ConfigurationError

MAX_SHOWN = 200
# Longer values are told apart by their beginning.
MAX_VALUE = 512
_IPV4 = 4
_VERSIONS = {4: 32, 6: 128}

TEMPLATE = "template"
# What tells one thing of a kind from others: a UUID, eight or more hexadecimal digits, any number.
_ID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f-]{27}|\b(?=[A-Fa-f]{0,64}\d)[0-9A-Fa-f]{8,}\b|\d+")


@dataclass(frozen=True)
class Field:
    """A field that events are grouped by.

    Attributes:
        label: As written in the rule: `ip_address`, `ip_address/24`.
        name: The event's field.
        prefix: Bits of the network that stands for an address; None for the value itself.
        version: 4 or 6: the addresses that `prefix` is for; others have no value.
        template: Whether `{id}` stands for the ids in it: `/orders/17` is `/orders/{id}`, without its query.
    """

    label: str
    name: str
    prefix: int | None = None
    version: int = 4
    template: bool = False

    def __post_init__(self) -> None:
        """Prepare what reads the field."""
        object.__setattr__(self, "_read", reader(self.name))

    @property
    def whole(self) -> bool:
        """Whether the field's own value groups, not something made of it."""
        return self.prefix is None and not self.template

    def raw(self, event: Event) -> Any:
        """Return the event's value as it is."""
        return self._read(event)  # type: ignore[attr-defined]

    def value(self, event: Event) -> str | None:
        """Return the event's value as text, or None where it has none to group by."""
        return self.text(self.raw(event))

    def text(self, raw: Any) -> str | None:
        """Return what groups of a value: itself, its network or its template."""
        if not present(raw):
            return None
        text = (raw if type(raw) is str else rendering.text(raw))[:MAX_VALUE]
        if self.template:
            return _ID.sub("{id}", text.partition("?")[0])
        return text if self.prefix is None else network(text, self.prefix, self.version)


def parse_field(rule: str, label: Any) -> Field:
    """Read one entry of a rule's `by`.

    Raises:
        ConfigurationError: If it is no text, or asks for a network that cannot be.
    """
    if not isinstance(label, str) or not label.strip():
        raise ConfigurationError(f"{rule}: by contains {label!r}: give names of fields.")
    name, slash, bits = label.strip().partition("/")
    if not slash:
        return Field(label.strip(), name)
    if bits == TEMPLATE:
        return Field(label.strip(), name, template=True)
    if not bits.isdecimal() or not 1 <= int(bits) <= _VERSIONS[6]:
        raise ConfigurationError(
            f"{rule}: by contains {label!r}: after '/' give 1 to 32 (IPv4), 33 to 128 (IPv6), or 'template'.",
        )
    prefix = int(bits)
    return Field(label.strip(), name, prefix, 4 if prefix <= _VERSIONS[4] else 6)


def network(text: str, prefix: int, version: int) -> str | None:
    """Return the network of an address, or of what the `ip` policy made of one; None for the other version.

    `203.0.113.0/24_ip_k3_...` (policy `token`) and `203.0.113.0/24` (policy `truncate`) are taken by their
    network.
    """
    text = text.partition("_")[0]
    known = ipv4_network(text, prefix) if version == _IPV4 else None
    if known is not None:
        return known
    address = parse_address(text)
    try:
        whole = ipaddress.ip_network(text if address is None else str(address), strict=False)
    except ValueError:
        return None
    if whole.version != version or whole.prefixlen < prefix:
        return None
    return str(whole.supernet(new_prefix=prefix))
