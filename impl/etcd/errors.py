"""Why a call failed, with etcd's codes and texts: clients tell failures apart by these texts (etcd, api/v3rpc/rpctypes).

A text that is not etcd's says what only this server refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from grpc import StatusCode

from ratified.impl.store.values import Problem


class Fault(Exception):
    """A call failed."""

    def __init__(self, code: StatusCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


INVALID, MISSING = StatusCode.INVALID_ARGUMENT, StatusCode.NOT_FOUND

FAULTS: Final[Mapping[Problem, tuple[StatusCode, str]]] = {
    Problem.KEY_MISSING: (INVALID, "etcdserver: key is not provided"),
    Problem.VALUE_GIVEN: (INVALID, "etcdserver: value is provided"),
    Problem.LEASE_GIVEN: (INVALID, "etcdserver: lease is provided"),
    Problem.KEY_NOT_FOUND: (INVALID, "etcdserver: key not found"),
    Problem.KEY_TWICE: (INVALID, "etcdserver: duplicate key given in txn request"),
    Problem.TOO_MANY: (INVALID, "etcdserver: too many operations in txn request"),
    Problem.COMPACTED: (StatusCode.OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted"),
    Problem.FUTURE: (StatusCode.OUT_OF_RANGE, "etcdserver: mvcc: required revision is a future revision"),
    Problem.LEASE_NOT_FOUND: (MISSING, "etcdserver: requested lease not found"),
    Problem.LEASE_EXISTS: (StatusCode.FAILED_PRECONDITION, "etcdserver: lease already exists"),
    Problem.TTL_TOO_LARGE: (StatusCode.OUT_OF_RANGE, "etcdserver: too large lease TTL"),
    Problem.SESSION_OVER: (
        StatusCode.FAILED_PRECONDITION,
        "ratified: the lease of this session is over: what became of the call is not known any more",
    ),
    Problem.ALREADY_ACKNOWLEDGED: (
        StatusCode.FAILED_PRECONDITION,
        "ratified: the result of this call was acknowledged before, and is not kept any more",
    ),
    Problem.SESSION_FULL: (
        StatusCode.RESOURCE_EXHAUSTED,
        "ratified: the session has too many results that it has not acknowledged",
    ),
    Problem.NOT_THE_LESSOR: (StatusCode.UNAVAILABLE, "etcdserver: leader changed"),
    Problem.UNKNOWN: (StatusCode.INTERNAL, "ratified: an operation that this version does not know"),
}


def fault(problem: Problem) -> Fault:
    """Return what a caller is told of a problem."""
    return Fault(*FAULTS[problem])


def no_leader() -> Fault:
    """Nobody leads, or none that could be asked."""
    return Fault(StatusCode.UNAVAILABLE, "etcdserver: no leader")


def timed_out() -> Fault:
    """It took too long; it may happen yet."""
    return Fault(StatusCode.UNAVAILABLE, "etcdserver: request timed out")


def too_many_requests() -> Fault:
    """More is on the way than this node takes on."""
    return Fault(StatusCode.RESOURCE_EXHAUSTED, "etcdserver: too many requests")


def too_large() -> Fault:
    """A request is larger than allowed."""
    return Fault(INVALID, "etcdserver: request is too large")


def no_space() -> Fault:
    """The store is full."""
    return Fault(StatusCode.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded")


def permission_denied() -> Fault:
    """The same whether the key exists or not."""
    return Fault(StatusCode.PERMISSION_DENIED, "etcdserver: permission denied")


def invalid(text: str) -> Fault:
    """The request makes no sense."""
    return Fault(INVALID, text)
