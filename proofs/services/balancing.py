"""Why two choices never pick the busiest, and a change of a ring moves only what it must, for every number of servers and places.

Two different servers are compared, and the one that is picked has no more on the way than the other. On a ring each key is with
the first node at or after it; that is what decides who inherits keys and who gives some away, so nothing else moves.
"""

from __future__ import annotations

from typing import ClassVar

from ratified.models.services.choices import Server, TwoDraws
from ratified.models.services.ring import Place, Ring
from ratified.smt.script import Goals, lemma


class TwoDrawsSafety(TwoDraws):
    """Any number of servers and requests."""

    goals: ClassVar[Goals] = {"the_busiest_is_not_picked": ("there_is_room_for_what_is_drawn",)}

    @lemma(uses=())
    def there_is_room_for_what_is_drawn(self) -> bool:
        """Whoever is sent the request has not all of them on the way."""
        return self.drawn is None or all(self.load[s] < self.requests for s in Server)

    def has_room(self) -> bool:
        """No server has all requests on the way: that all together have not is a sum, and only allows less."""
        return all(self.load[s] < self.requests for s in Server)


class RingSafety(Ring):
    """Any number of places."""

    goals: ClassVar[Goals] = {
        "a_key_is_where_it_belongs": ("keys_are_at_home",),
        "a_change_moves_only_what_it_must": (),
    }

    @lemma(uses=())
    def keys_are_at_home(self) -> bool:
        """Each key is with the first node at or after it."""
        return all(self.home(k, self.owner[k]) for k in Place)
