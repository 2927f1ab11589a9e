"""`cachetools.LRUCache` 8.0.2 held to what a cache is that forgets what was used least recently. It conforms.

ratified conform examples/held/lru_held.py:Cache --size standard
"""

from __future__ import annotations

from copy import copy
from typing import Annotated, Any, ClassVar

from cachetools import LRUCache

from ratified import (
    Binding,
    Driver,
    Map,
    Model,
    Names,
    Observation,
    Param,
    Seq,
    Sort,
    Steps,
    action,
    do,
    holds,
    invariant,
    refused,
    require,
)
from ratified.language import AtMost


class Key(Sort):
    """Under which something is kept."""


class Value(Sort):
    """Is kept."""


class LeastRecentlyUsed(Model):
    """A cache of `most` entries."""

    most: Param[int] = 2
    kept: Map[Key, Value | None]
    order: Annotated[Seq[Key], AtMost("most")]  # the least recently used first

    sizes: ClassVar = {"standard": {"Key": 3, "Value": 2}}

    @action
    def put(self, k: Key, v: Value) -> None:
        """What is there is replaced; if there is no room, the least recently used goes."""
        if self.kept[k] is None and len(self.order) == self.most:
            self.kept[self.order[0]] = None
            self.order = self.order[1:]
        self.kept[k] = v
        self.use(k)

    @action
    def get(self, k: Key) -> None:
        """What is there counts as used."""
        require(self.kept[k] is not None)
        self.use(k)

    @action
    def drop(self, k: Key) -> None:
        """On purpose."""
        require(self.kept[k] is not None)
        self.kept[k] = None
        self.order = Seq([j for j in self.order if j != k])

    @action
    def evict(self) -> None:
        """The least recently used goes."""
        require(len(self.order) > 0)
        self.kept[self.order[0]] = None
        self.order = self.order[1:]

    def finds(self, k: Key) -> Value | None:
        """What is kept under a key."""
        return self.kept[k]

    def next_to_go(self) -> Key | None:
        """The least recently used."""
        return self.order[0] if len(self.order) > 0 else None

    def use(self, k: Key) -> None:
        """A key is now the most recently used."""
        self.order = Seq([j for j in self.order if j != k])
        self.order.append(k)

    @invariant
    def what_is_kept_has_a_place(self) -> bool:
        """And nothing else has."""
        return all((self.kept[k] is not None) == (k in self.order) for k in Key)


class Cache(Driver):
    """The cache, by what its users call."""

    model = LeastRecentlyUsed
    refuses = True

    def begin(self, model: Any) -> None:
        """How much there is room for."""
        self.most = model.most

    def reset(self) -> None:
        """An empty cache."""
        self.cache: LRUCache[str, str] = LRUCache(self.most)

    def put(self, k: Key, v: Value) -> None:
        """An assignment."""
        self.cache[str(k)] = str(v)

    def get(self, k: Key) -> bool:
        """A look."""
        return self.cache.get(str(k)) is not None

    def drop(self, k: Key) -> bool:
        """Its pop."""
        return self.cache.pop(str(k), None) is not None

    def evict(self) -> bool:
        """Its popitem, which says so if there is none."""
        try:
            self.cache.popitem()
        except KeyError:
            return False
        return True

    def observe(self) -> Observation:
        """What is kept, of a copy: to look is to use."""
        return {"kept": {str(k): None for k in Key} | dict(copy(self.cache))}


class Log(Binding):
    """What a program notes that uses a cache: each call, and what it came to."""

    def __init__(self, keys: int = 50, values: int = 50, most: int = 8) -> None:
        self.key, self.value = Names(Key, keys), Names(Value, values)
        self.sizes = {"Key": keys, "Value": values, "most": most}

    def model(self) -> LeastRecentlyUsed:
        """Room for so many keys and values."""
        return LeastRecentlyUsed(**self.sizes)

    def on_put(self, key: str, value: str) -> Steps:
        """Something is kept."""
        return do("put", k=self.key(key), v=self.value(value))

    def on_get(self, key: str, value: str | None) -> Steps:
        """What was found, which is compared."""
        k, v = self.key(key), self.value.maybe(value)
        found = holds("finds", k, expected=v)
        return (found, do("get", k=k)) if v is not None else found

    def on_drop(self, key: str, done: bool) -> Steps:
        """It was there, or was not."""
        dropped = do("drop", k=self.key(key))
        return dropped if done else refused(dropped)

    def on_evict(self, key: str | None) -> Steps:
        """Which one went."""
        return (
            refused(do("evict"))
            if key is None
            else (holds("next_to_go", expected=self.key(key)), do("evict"))
        )
