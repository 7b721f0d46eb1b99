"""One request counts once, however many records tell of it.

Up to three records tell of a refused request: the application's own event, the framework's (django.request)
and the server's access record, in this order. Each is noted for a while; a later one that tells of the same
request does not count what an earlier one has counted.

Which request a record belongs to is told by its unit of execution, the thread or asyncio task that logged it.
Where another thread handled the request (a sync endpoint of an async server), it is told by the client's
address: then a record answers for one earlier record of that address, so that two requests of one client stay
two.
"""

from __future__ import annotations

from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING

from seclog_handlers.events import API_REQUEST, API_RESPONSE

if TYPE_CHECKING:
    from collections.abc import Hashable

# Which record goes before: the application's, the framework's. The server's ends the request and is never
# noted.
APPLICATION, FRAMEWORK = 0, 1

# Seconds of record time after which nothing more is expected of a request; gunicorn's own timeout is 30.
LIFETIME = 60.0
# Units, and addresses, that are remembered; the least recently noted go first.
MAX_KEYS = 1024
# Records that one unit, and one address, may have waiting: clients behind one NAT share an address. Twice as
# many are taken before the oldest go, so that it is seldom done.
MAX_PER_UNIT = 8
MAX_PER_ADDRESS = 64

# An application that has logged the request will log the response, after the server has.
_PROMISED = "promised"


class _Note:
    """A counted record that waits for the others of its request."""

    __slots__ = ("address", "family", "rank", "spent", "when")

    def __init__(self, rank: int, family: str, address: str, when: float) -> None:
        self.rank = rank
        self.family = family
        self.address = address
        self.when = when
        self.spent = False

    def waits(self, now: float) -> bool:
        return not self.spent and abs(now - self.when) <= LIFETIME


class Ledger:
    """What was counted of the requests that are under way."""

    def __init__(self) -> None:
        self._units: dict[Hashable, list[_Note]] = {}
        self._addresses: dict[Hashable, list[_Note]] = {}
        self._application_answers = False

    def application(self, unit: Hashable, address: str, family: str, when: float, answers: bool = False) -> None:
        """Note an event that the application logged itself; it counts in any case."""
        self._application_answers = self._application_answers or answers
        if family == API_RESPONSE:
            self._application_answers = True
            waiting = self._of_unit(unit, when)
            self._spend(waiting, API_REQUEST)
            if self._spend(waiting, _PROMISED):
                return  # the server's record has left the counting to it already
        elif family == API_REQUEST:
            self._begin(unit, address, APPLICATION, when)
        self._add(unit, address, _Note(APPLICATION, family, address, when))

    def framework(self, unit: Hashable, address: str, family: str, when: float) -> bool:
        """Note a framework's record, and tell whether it counts."""
        self._begin(unit, address, FRAMEWORK, when)
        earlier = self._of_unit(unit, when)
        for note in earlier:
            note.rank = FRAMEWORK
        if any(note.family == family for note in earlier):
            return False
        counted = self._spend(self._of_address(address, when, below=FRAMEWORK), family)
        self._add(unit, address, _Note(FRAMEWORK, family, address, when))
        return not counted

    def server(self, unit: Hashable, address: str, family: str, when: float) -> str | None:
        """End a request, and return the family to count its access record under; None if all is counted."""
        earlier = self._of_unit(unit, when)
        self._units.pop(unit, None)
        for note in earlier:
            note.spent = True
        known = {note.family for note in earlier}
        answered = self._is_answered(unit, known, address, when)
        counted = family in (API_RESPONSE, *known) or self._spend(self._of_address(address, when), family)
        self._tidy(address, when)
        if not counted:
            return family
        return None if answered else API_RESPONSE

    def _is_answered(self, unit: Hashable, known: set[str], address: str, when: float) -> bool:
        """Tell whether an api_response was counted, or will be by an application that logs its own."""
        if API_RESPONSE in known:
            return True
        if API_REQUEST in known:
            self._add(unit, "", _Note(APPLICATION, _PROMISED, "", when))
            return self._application_answers
        return self._spend(self._of_address(address, when), API_RESPONSE)

    def _of_unit(self, unit: Hashable, when: float) -> list[_Note]:
        return [note for note in self._units.get(unit, ()) if note.waits(when)]

    def _of_address(self, address: str, when: float, below: int = FRAMEWORK + 1) -> list[_Note]:
        """Return what waits for an address, the framework's first: the application's still await theirs."""
        found = [note for note in self._addresses.get(address, ()) if note.waits(when) and note.rank < below]
        return sorted(found, key=attrgetter("rank"), reverse=True)

    def _begin(self, unit: Hashable, address: str, rank: int, when: float) -> None:
        """Forget what waits from `rank` on: a record that comes first in its request has come again."""
        for note in self._of_unit(unit, when):
            if note.rank >= rank and (not address or not note.address or note.address == address):
                note.spent = True

    @staticmethod
    def _spend(notes: list[_Note], family: str) -> bool:
        """Let one note of the family answer for a later record; False if there is none."""
        for note in notes:
            if note.family == family:
                note.spent = True
                return True
        return False

    def _add(self, unit: Hashable, address: str, note: _Note) -> None:
        if unit is not None:
            _append(self._units, unit, note, MAX_PER_UNIT)
        if address and note.family != API_REQUEST:
            _append(self._addresses, address, note, MAX_PER_ADDRESS)

    def _tidy(self, address: str, when: float) -> None:
        if not any(note.waits(when) for note in self._addresses.get(address, ())):
            self._addresses.pop(address, None)


def _append(table: dict[Hashable, list[_Note]], key: Hashable, note: _Note, limit: int) -> None:
    """Add a note under the table's newest key. Threads may race: each step is one operation on the dict."""
    waiting = table.pop(key, [])
    if len(waiting) >= 2 * limit:
        waiting = [other for other in waiting if other.waits(note.when)][-limit:]
    waiting.append(note)
    table[key] = waiting
    if len(table) > MAX_KEYS:
        for oldest in tuple(islice(table, len(table) - MAX_KEYS)):
            table.pop(oldest, None)
