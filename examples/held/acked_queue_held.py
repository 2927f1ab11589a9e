"""`persistqueue.SQLiteAckQueue` 1.1.0 (persist-queue) held to what a queue with acknowledgements is. It deviates.

ratified conform examples/held/acked_queue_held.py:Queue --size standard              violated: what nobody has taken is acked
ratified conform examples/held/acked_queue_held.py:QueueAnyAnswer --size standard     violated: a late nack revives what was acked
ratified conform examples/held/acked_queue_held.py:QueueAsReleased --size standard    holds
"""

from __future__ import annotations

import shutil
import tempfile
from typing import Any, ClassVar, Literal, Self

from persistqueue import Empty, SQLiteAckQueue

from ratified import (
    Binding,
    Driver,
    Map,
    Model,
    Names,
    Observation,
    Sort,
    Steps,
    action,
    do,
    require,
    step_invariant,
)


class Item(Sort):
    """Is handed over. Items are put in their order, so that a number says which it is."""


class Acknowledged(Model):
    """What is taken and not acknowledged is handed out again."""

    state: Map[Item, Literal["nowhere", "ready", "taken", "acked", "failed"]]

    sizes: ClassVar = {"standard": {"Item": 3}}

    @action
    def put(self, i: Item) -> None:
        """The next."""
        require(self.state[i] == "nowhere")
        require(all(self.state[j] != "nowhere" for j in Item if int(j) < int(i)))
        self.state[i] = "ready"

    @action
    def get(self, i: Item) -> None:
        """The first that is ready."""
        require(self.state[i] == "ready")
        require(all(self.state[j] != "ready" for j in Item if int(j) < int(i)))
        self.state[i] = "taken"

    @action
    def ack(self, i: Item) -> None:
        """It is done."""
        require(self.may_answer(i))
        self.state[i] = "acked"

    @action
    def nack(self, i: Item) -> None:
        """It is to be handed out again."""
        require(self.may_answer(i))
        self.state[i] = "ready"

    @action
    def ack_failed(self, i: Item) -> None:
        """It is given up."""
        require(self.may_answer(i))
        self.state[i] = "failed"

    def may_answer(self, i: Item) -> bool:
        """Who has taken it says what came of it."""
        return self.state[i] == "taken"

    @step_invariant
    def what_is_acked_is_done(self, old: Self) -> bool:
        """It is not handed out again."""
        return all(self.state[i] == "acked" for i in Item if old.state[i] == "acked")


class AnyAnswer(Acknowledged):
    """An answer is taken for what nobody has taken, too; what was acknowledged is done."""

    def may_answer(self, i: Item) -> bool:
        """Until it is acknowledged."""
        return self.state[i] in {"ready", "taken", "failed"}


class AsReleased(Acknowledged):
    """What the library does: any answer is taken, for any item that was ever put."""

    def may_answer(self, i: Item) -> bool:
        """Anybody, at any time."""
        return self.state[i] != "nowhere"


class Queue(Driver):
    """A queue in a file."""

    model = Acknowledged

    def begin(self, model: Any) -> None:
        """A folder for all that is driven."""
        self.folder = tempfile.mkdtemp()

    def close(self) -> None:
        """Leave nothing."""
        shutil.rmtree(self.folder)

    def reset(self) -> None:
        """An empty queue."""
        shutil.rmtree(self.folder)
        self.queue = SQLiteAckQueue(self.folder)

    def put(self, i: Item) -> bool:
        """Its number, if it is the next: SQLite counts rows from 1."""
        if len(self.queue.queue()) != int(i):
            return False
        self.queue.put(int(i))
        return True

    def get(self) -> bool:
        """Which one the queue says, without waiting."""
        try:
            self.queue.get(block=False)
        except Empty:
            return False
        return True

    def ack(self, i: Item) -> None:
        """By the number of its row."""
        self.queue.ack(id=int(i) + 1)

    def nack(self, i: Item) -> None:
        """Likewise."""
        self.queue.nack(id=int(i) + 1)

    def ack_failed(self, i: Item) -> None:
        """Likewise."""
        self.queue.ack_failed(id=int(i) + 1)

    def observe(self) -> Observation:
        """What the queue lists."""
        names = {0: "ready", 1: "ready", 2: "taken", 5: "acked", 9: "failed"}
        listed = {row["data"]: names[int(row["status"])] for row in self.queue.queue()}
        return {"state": {str(i): listed.get(int(i), "nowhere") for i in Item}}


class Log(Binding):
    """What a program notes of its items: what it puts, gets, and answers."""

    def __init__(self, items: int = 100) -> None:
        self.items, self.item = items, Names(Item, items)

    def model(self) -> Acknowledged:
        """Room for so many."""
        return Acknowledged(Item=self.items)

    def on_put(self, item: str) -> Steps:
        """The next."""
        return do("put", i=self.item(item))

    def on_get(self, item: str) -> Steps:
        """The first that is ready."""
        return do("get", i=self.item(item))

    def on_ack(self, item: str) -> Steps:
        """Done."""
        return do("ack", i=self.item(item))

    def on_nack(self, item: str) -> Steps:
        """To be handed out again."""
        return do("nack", i=self.item(item))

    def on_ack_failed(self, item: str) -> Steps:
        """Given up."""
        return do("ack_failed", i=self.item(item))


class QueueAnyAnswer(Queue):
    """The same, held to a queue that takes any answer until it has an acknowledgement."""

    model = AnyAnswer


class QueueAsReleased(Queue):
    """The same, held to what the library does."""

    model = AsReleased
