"""How a Raft core is configured. Everything that the published protocol (Figure 2) does without can be switched off."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Config:
    """The constants of a core; the same for all nodes of a cluster. References are to Ongaro's dissertation (2014).

    Raises:
        ValueError: a combination that cannot work.
    """

    election_ticks: int = 10
    """Without a word from a leader for this long, and up to twice this long at random, a node campaigns (section 3.4)."""

    heartbeat_ticks: int = 2
    """A leader says so much at least every so many ticks."""

    pre_vote: bool = True
    """Ask whether one could win before beginning a term (section 9.6)."""

    check_quorum: bool = True
    """A leader that has not heard from a quorum for an election time-out steps down (6.2), and who hears from a leader does
    not help to replace it (4.2.3)."""

    no_op: bool = True
    """A leader begins its term with an entry that does nothing, to commit what is before it (section 6.4)."""

    max_batch: int = 64
    """Entries in one message, at most."""

    max_inflight: int = 8
    """Messages with entries on their way to one follower, at most (section 10.2.1); what comes meanwhile makes the next batch."""

    max_uncommitted: int = 4096
    """Entries that wait to be committed, at most, or a term's first command; clients are told to come again later."""

    fast_backoff: bool = True
    """A follower's rejection says where the logs may agree, so that a leader skips whole terms (Raft paper, section 5.3)."""

    snapshot_every: int = 0
    """Take a snapshot when so many entries have been applied since the last (chapter 5); 0: only when ordered."""

    snapshot_keep: int = 0
    """How many entries before its snapshot a node keeps in memory, for followers that lag a little."""

    sessions: bool = True
    """A command that a client has repeated is executed once (section 6.3)."""

    def __post_init__(self) -> None:
        least = {
            "election_ticks": 2,
            "heartbeat_ticks": 1,
            "max_batch": 1,
            "max_inflight": 1,
            "max_uncommitted": 1,
            "snapshot_every": 0,
            "snapshot_keep": 0,
        }
        for name, least_value in least.items():
            if getattr(self, name) < least_value:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least {least_value}")
        if self.heartbeat_ticks >= self.election_ticks:
            raise ValueError(
                f"heartbeat_ticks is {self.heartbeat_ticks} and election_ticks {self.election_ticks}; "
                "followers would not wait for a heartbeat"
            )
