"""How much detection may remember in this process."""

from __future__ import annotations

from typing import NamedTuple


class Caps(NamedTuple):
    """Caps, in bytes and in numbers.

    Attributes:
        groups: Bytes of groups with what waits in them.
        entries: Bytes of entries beside them.
        identities: Values whose keys are remembered.
        aliases: Ways to write a group's fields that are remembered for each kind of group.
        visits: Events that are found again by their values.
    """

    groups: int
    entries: int
    identities: int
    aliases: int
    visits: int


# With up to 13 MiB of single events in short form, resident memory grows by 32 MiB at most: what an application can
# spare beside its work.
BESIDE = Caps(groups=4 * 2**20, entries=3 * 2**20, identities=2048, aliases=2048, visits=2048)
# A process that does nothing else: a month of a busy host's attackers fits.
ALONE = Caps(groups=96 * 2**20, entries=64 * 2**20, identities=65_536, aliases=32_768, visits=32_768)
