"""What a leader of Raft has under way, and who votes, as its variables say: what is asked once all is calm."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ratified.impl.contract import Core
from ratified.impl.raft.core import RaftCore
from ratified.impl.raft.membership import Membership
from ratified.impl.raft.progress import Flow
from ratified.impl.raft.state import Role


def pending(variables: Mapping[str, Any]) -> str | None:
    """A change of the voters that is half-way, or a transfer of leadership."""
    if variables["outgoing"]:
        return "a change of voters"
    return "a transfer" if variables["transferee"] is not None else None


def voters(variables: Mapping[str, Any]) -> Collection[str]:
    """Who votes."""
    return {*variables["voters"], *variables["outgoing"]}


def left(core: Core) -> str | None:
    """What a member has still to do in calm, when everything should be durable, committed and known to be everywhere."""
    assert isinstance(core, RaftCore)
    state, node = core.state, core.node
    last, config = state.log.last, state.config
    if (state.durable_index, state.commit, state.applied) != (last, last, last):
        return (
            f"of the log of {node}, up to {last}, it knows {state.durable_index} to be durable and "
            f"{state.commit} to be committed, and has applied {state.applied}"
        )
    if config.snapshot_every and last - state.snapshot.index >= config.snapshot_every:
        return f"{node} has applied {last}, and has a snapshot of {state.snapshot.index}, not every {config.snapshot_every}"
    if not state.snapshot.index - config.snapshot_keep <= state.log.offset <= state.snapshot.index:
        return f"{node} keeps its log from {state.log.offset + 1}, with a snapshot of {state.snapshot.index}"
    entries = ((n, state.log.entry(n).value) for n in range(state.snapshot.index + 1, last + 1))
    due = [(n, value) for n, value in entries if type(value) is Membership]
    if state.memberships[0][1] != state.snapshot.membership or state.memberships[1:] != due:
        return f"{node} takes other configurations for those in its log"
    return _left_to_lead(core) if state.role is Role.LEADER else None


def _left_to_lead(core: RaftCore) -> str | None:
    state = core.state
    if state.waiting or state.on_the_way or state.reads:
        return f"{core.node} knows of clients that wait"
    if not state.membership.is_voter(core.node):
        return f"{core.node} leads, and does not vote"
    if set(state.progress) != set(state.membership.everyone()) - {core.node}:
        return f"{core.node} follows {' '.join(sorted(state.progress))}, who are not the members"
    for peer, progress in state.progress.items():
        if (progress.match, progress.next) != (state.log.last, state.log.last + 1):
            return f"{core.node}, whose log ends at {state.log.last}, takes {peer} to have it up to {progress.match}"
        if progress.flow is not Flow.REPLICATE or progress.inflight:
            return f"{core.node} waits for an answer from {peer}"
    return None
