"""Linearizability: what clients saw is explained by operations that took effect one at a time, each between call and return.

    from ratified.follow.linearizability import KeyValue, check_history, read_history

    outcome = check_history(read_history("history.ndjson"), KeyValue())

Herlihy & Wing, "Linearizability: a correctness condition for concurrent objects" (1990).
"""

from __future__ import annotations

from ratified.follow.linearizability.check import HistoryOutcome, Linearizability, check_history
from ratified.follow.linearizability.counters import CounterObject
from ratified.follow.linearizability.growing import ListObject, SetObject
from ratified.follow.linearizability.history import (
    UNKNOWN,
    History,
    HistoryError,
    HistoryRecorder,
    Operation,
    read_history,
)
from ratified.follow.linearizability.models import KeyValue, Lock, Queue, Register, SequentialModel

__all__ = [
    "UNKNOWN",
    "CounterObject",
    "History",
    "HistoryError",
    "HistoryOutcome",
    "HistoryRecorder",
    "KeyValue",
    "Linearizability",
    "ListObject",
    "Lock",
    "Operation",
    "Queue",
    "Register",
    "SequentialModel",
    "SetObject",
    "check_history",
    "read_history",
]
