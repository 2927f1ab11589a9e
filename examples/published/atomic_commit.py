"""Two-phase commit blocks when its coordinator fails; three-phase commit does not, and may split when time-outs are wrong.

Gray: *Notes on data base operating systems* (1978); Skeen: *Nonblocking commit protocols* (SIGMOD 1981). In three
phases nobody is committed while another cannot know that all have voted yes, so that those who are left can decide by
themselves: who is prepared commits, who is not aborts. That takes a failure for certain; where a slow network passes
for one, some commit and others abort (Gray & Lamport: *Consensus on transaction commit*, 2006, section 1). The mended
protocol knows for certain, and the rest asks around.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from ratified import Goals, Lifelines, Map, Model, Set, Symmetric, action, invariant, leads_to, lemma, require

Standing = Literal["working", "voted", "prepared", "committed", "aborted"]


class Participant(Symmetric):
    """Takes part in the transaction."""


class TwoPhase(Model):
    """The coordinator collects votes and tells what comes of it. Participants ask each other once it is down."""

    sizes: ClassVar = {"standard": {"Participant": 3}}
    lifelines: ClassVar = Lifelines(
        {Participant: "participant"}, owner={"down": "coordinator", "decision": "coordinator"}
    )

    standing: Map[Participant, Standing]
    decision: Literal["none", "commit", "abort"]
    down: bool

    def decided(self, p: Participant) -> bool:
        return self.standing[p] in ("committed", "aborted")

    @action
    def vote(self, p: Participant) -> None:
        """A participant votes yes, and has to wait now."""
        require(self.standing[p] == "working")
        self.standing[p] = "voted"

    @action(fair="weak", each=("p",))
    def refuse(self, p: Participant) -> None:
        """One that has not voted may abort at any time."""
        require(self.standing[p] == "working")
        self.standing[p] = "aborted"

    @action
    def fail(self) -> None:
        """The coordinator is down, and stays down."""
        require(not self.down)
        self.down = True

    @action(fair="weak")
    def commit(self) -> None:
        """All have voted yes."""
        require(
            not self.down
            and self.decision == "none"
            and all(self.standing[p] == "voted" for p in Participant)
        )
        self.decision = "commit"

    @action(fair="weak")
    def abort(self) -> None:
        """One has aborted."""
        require(
            not self.down
            and self.decision == "none"
            and any(self.standing[p] == "aborted" for p in Participant)
        )
        self.decision = "abort"

    @action(fair="weak", each=("p",))
    def hear(self, p: Participant) -> None:
        """A participant hears what was decided."""
        require(not self.down and self.standing[p] in ("voted", "prepared") and self.decision != "none")
        self.standing[p] = "committed" if self.decision == "commit" else "aborted"

    @action(fair="weak", each=("p",))
    def ask(self, p: Participant, q: Participant) -> None:
        """One that waits hears from another what came of it."""
        require(self.standing[p] in ("voted", "prepared") and self.decided(q))
        self.standing[p] = self.standing[q]

    @invariant
    def consistency(self) -> bool:
        """Nobody commits while another aborts."""
        return not (
            any(self.standing[p] == "committed" for p in Participant)
            and any(self.standing[p] == "aborted" for p in Participant)
        )

    @leads_to
    def nobody_waits_for_ever(self, p: Participant) -> tuple[bool, bool]:
        """Who has voted comes to know what was decided."""
        return self.standing[p] == "voted", self.decided(p)


class ThreePhase(TwoPhase):
    """Participants are prepared before any commits. Who hears nothing for long takes the coordinator to have failed."""

    @action(fair="weak")
    def commit(self) -> None:
        """All are prepared."""
        require(
            not self.down
            and self.decision == "none"
            and all(self.standing[p] == "prepared" for p in Participant)
        )
        self.decision = "commit"

    def all_have_voted(self) -> bool:
        return all(self.standing[q] in ("voted", "prepared") for q in Participant)

    @action(fair="weak", each=("p",))
    def prepare(self, p: Participant) -> None:
        """All have voted yes, as the coordinator tells one after the other."""
        require(not self.down and self.standing[p] == "voted" and self.all_have_voted())
        self.standing[p] = "prepared"

    @action(fair="weak", each=("p",))
    def time_out(self, p: Participant) -> None:
        """Who is prepared commits, since all have voted yes; who is not aborts, since nobody can have committed."""
        require(self.standing[p] in ("voted", "prepared"))
        self.standing[p] = "committed" if self.standing[p] == "prepared" else "aborted"


class PerfectDetection(ThreePhase):
    """Mended: a time-out is a failure, and who is left goes by what all of them know."""

    def prepared(self) -> Set[Participant]:
        return Set(q for q in Participant if self.standing[q] in ("prepared", "committed"))

    @action(fair="weak", each=("p",))
    def catch_up(self, p: Participant) -> None:
        """Without a coordinator one that is prepared prepares the others."""
        require(self.down and self.standing[p] == "voted" and len(self.prepared()) > 0)
        self.standing[p] = "prepared"

    @action(fair="weak", each=("p",))
    def time_out(self, p: Participant) -> None:
        """Without a coordinator: commit if all are prepared, abort if none is."""
        require(self.down and self.standing[p] in ("voted", "prepared"))
        none = all(q not in self.prepared() for q in Participant)
        require(none or all(q in self.prepared() for q in Participant))
        self.standing[p] = "committed" if self.standing[p] == "prepared" else "aborted"


class CommitSafety(PerfectDetection):
    """While one may have committed all are prepared, and who is prepared knows that all have voted."""

    goals: ClassVar[Goals] = {"consistency": None}

    @lemma
    def where_one_is_prepared_all_have_voted(self) -> bool:
        """So none has aborted, nor will one."""
        return all(
            self.standing[q] in ("voted", "prepared", "committed")
            for p in self.prepared()
            for q in Participant
        )

    @lemma
    def where_one_is_committed_all_are_prepared(self) -> bool:
        return all(
            q in self.prepared() for p in Participant for q in Participant if self.standing[p] == "committed"
        )

    @lemma
    def the_coordinator_commits_what_is_prepared(self) -> bool:
        return self.decision != "commit" or all(p in self.prepared() for p in Participant)

    @lemma
    def the_coordinator_aborts_with_another(self) -> bool:
        return self.decision != "abort" or any(self.standing[p] == "aborted" for p in Participant)
