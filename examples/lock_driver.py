"""How a lock server is driven along the model of one: what a person writes to have a system of their own do what the model does.

ratified conform examples/lock_driver.py:Locks Client=2
ratified mutants examples/lock_driver.py:Locks Client=2 --sweep examples/lock_server.py
"""

from __future__ import annotations

from lock_server import LockServer
from lock_service import Client, Lock

from ratified import Driver, Observation, Refused


class Locks(Driver):
    """Drives the server by the calls that its clients make."""

    model = Lock
    refuses = True  # the server says so where it does not do what it was asked

    def reset(self) -> None:
        """A server that nobody has asked anything yet."""
        self.server = LockServer()

    def acquire(self, c: Client) -> None:
        """A client asks for the lock."""
        if not self.server.lock(str(c)):
            raise Refused("somebody holds it")

    def release(self, c: Client) -> None:
        """A client gives it back."""
        if not self.server.unlock(str(c)):
            raise Refused("it is not the holder")

    def observe(self) -> Observation:
        """Who has it."""
        return {"granted": self.server.holder}
