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
PRECONDITION = StatusCode.FAILED_PRECONDITION

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
    Problem.LEASE_EXISTS: (PRECONDITION, "etcdserver: lease already exists"),
    Problem.TTL_TOO_LARGE: (StatusCode.OUT_OF_RANGE, "etcdserver: too large lease TTL"),
    Problem.SESSION_OVER: (
        PRECONDITION,
        "ratified: the lease of this session has expired: the outcome of the call is no longer known",
    ),
    Problem.ALREADY_ACKNOWLEDGED: (
        PRECONDITION,
        "ratified: the result of this call was acknowledged before, and is no longer kept",
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


# What is said to operators


def member_not_found() -> Fault:
    """Nobody has that number."""
    return Fault(MISSING, "etcdserver: member not found")


def member_exists() -> Fault:
    """A node of that name is a member already."""
    return Fault(PRECONDITION, "etcdserver: member ID already exist")


def peer_url_exists() -> Fault:
    """A member is there already."""
    return Fault(PRECONDITION, "etcdserver: Peer URLs already exists")


def bad_urls() -> Fault:
    """That is where nobody can be."""
    return Fault(INVALID, "etcdserver: given member URLs are invalid")


def not_enough_members() -> Fault:
    """Nobody would be left."""
    return Fault(PRECONDITION, "etcdserver: re-configuration failed due to not enough started members")


def not_a_learner() -> Fault:
    """It votes already."""
    return Fault(PRECONDITION, "etcdserver: can only promote a learner member")


def learner_not_ready() -> Fault:
    """It has not got enough of the log."""
    return Fault(PRECONDITION, "etcdserver: can only promote a learner member which is in sync with leader")


def not_leader() -> Fault:
    """Another node is to be asked."""
    return Fault(PRECONDITION, "etcdserver: not leader")


def bad_transferee() -> Fault:
    """It is no voter."""
    return Fault(PRECONDITION, "etcdserver: bad leader transferee")


def refused(reason: str) -> Fault:
    """The protocol does not do this."""
    return Fault(PRECONDITION, f"ratified: {reason}")
