"""What can be wrong with a node before and while it runs, and the exit status by which a supervisor tells one from another."""

from __future__ import annotations

from typing import ClassVar


class RuntimeFault(Exception):
    """Something is wrong; the message says what, where, and what to do. `status` is that of the process that ends with it."""

    status: ClassVar[int] = 1


class SettingsError(RuntimeFault):
    """What a node is to be is not said, or makes no sense. Trying again does not help."""

    status = 2


class RefusedData(RuntimeFault):
    """What is in a node's folder is not what it wrote, or not for it. Nothing is served from it, and it is left as it is."""

    status = 65


class InUse(RuntimeFault):
    """Another process has the folder, or the port."""

    status = 69


class DiskFault(RuntimeFault):
    """The disk does not take what is written: it is full, read-only or broken. What was durable still is."""

    status = 74


class Unwell(RuntimeFault):
    """The node cannot go on for another reason."""

    status = 70


LASTING = frozenset({SettingsError.status, RefusedData.status})
"""With these there is no point in starting again before somebody has looked."""
