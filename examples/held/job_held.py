"""The queue of jobs held to its model.

ratified check examples/held/job_held.py:Jobs
ratified conform examples/held/job_held.py:Queue --size standard
ratified mutants examples/held/job_held.py:Queue --size standard --sweep examples/held/job_queue.py
ratified trace examples/held/job_held.py:Log run.ndjson
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from job_queue import JobQueue, Taken

from ratified import (
    Binding,
    Driver,
    Event,
    Map,
    Model,
    Names,
    Observation,
    Param,
    Range,
    Sort,
    Steps,
    action,
    do,
    invariant,
    refused,
    require,
    step_invariant,
)


class Job(Sort):
    """Is to be done."""


class Jobs(Model):
    """What a queue promises."""

    within: Param[int] = 2  # units of time for an attempt
    most: Param[int] = 2  # attempts
    state: Map[Job, Literal["nowhere", "waiting", "taken", "done", "dead"]]
    attempts: Map[Job, Annotated[int, Range(0, "most")]]
    left: Map[Job, Annotated[int, Range(0, "within")]]  # time from now, of who has it
    place: Map[
        Job, Annotated[int, Range(0, "len(Job)")]
    ]  # in the order in which they were put; 0: it was not
    count: Annotated[int, Range(0, "len(Job)")]  # of those that were put

    sizes: ClassVar = {"standard": {"Job": 2}}

    @action
    def put(self, j: Job) -> None:
        """A job comes."""
        require(self.state[j] == "nowhere")
        self.state[j] = "waiting"
        self.count += 1
        self.place[j] = self.count

    @action
    def take(self, j: Job) -> None:
        """The oldest that waits."""
        require(self.state[j] == "waiting")
        require(all(self.place[j] <= self.place[k] for k in Job if self.state[k] == "waiting"))
        self.state[j] = "taken"
        self.attempts[j] += 1
        self.left[j] = self.within

    @action
    def done(self, j: Job, receipt: Annotated[int, Range(1, "most")]) -> None:
        """In time, by who has it."""
        require(self.has(j, receipt))
        self.state[j] = "done"
        self.left[j] = 0

    @action
    def failed(self, j: Job, receipt: Annotated[int, Range(1, "most")]) -> None:
        """The same."""
        require(self.has(j, receipt))
        self.give_back(j)

    @action
    def more_time(self, j: Job, receipt: Annotated[int, Range(1, "most")]) -> None:
        """The same."""
        require(self.has(j, receipt))
        self.left[j] = self.within

    @action
    def elapse(self, n: Annotated[int, Range(1, "within")]) -> None:
        """Time goes by, as much as an attempt may take or less."""
        for j in Job:
            if self.state[j] == "taken":
                self.left[j] = max(self.left[j] - n, 0)
                if self.left[j] == 0:
                    self.give_back(j)

    def has(self, j: Job, receipt: int) -> bool:
        """Somebody has a job, by a receipt."""
        return self.state[j] == "taken" and self.attempts[j] == receipt

    def give_back(self, j: Job) -> None:
        """After an attempt."""
        self.left[j] = 0
        self.state[j] = "waiting" if self.attempts[j] < self.most else "dead"

    @invariant
    def given_up_late(self) -> bool:
        """Not before all attempts were made."""
        return all(self.attempts[j] == self.most for j in Job if self.state[j] == "dead")

    @step_invariant
    def what_is_done_is_done(self, old: Self) -> bool:
        """It is not done again."""
        return all(self.state[j] == "done" for j in Job if old.state[j] == "done")


class Queue(Driver):
    """A queue in memory, with a clock that is moved by hand."""

    model = Jobs
    refuses = True

    def begin(self, model: Any) -> None:
        """How long attempts may take, and how many there are."""
        self.within, self.most = model.within, model.most

    def reset(self) -> None:
        """An empty queue."""
        self.now = 0
        self.queue = JobQueue(":memory:", lambda: self.now, self.within, self.most)

    def put(self, j: Job) -> bool:
        """By name."""
        return bool(self.queue.put(str(j)))

    def do_take(self) -> bool:
        """Which one the queue says; its receipt is the number of the attempt."""
        job = self.queue.take()
        assert job is None or self.queue.states().get(job.name) == ("taken", job.receipt), (
            f"it hands out {job}"
        )
        return job is not None

    def done(self, j: Job, receipt: int) -> bool:
        """Under any receipt."""
        return bool(self.queue.done(Taken(str(j), receipt)))

    def failed(self, j: Job, receipt: int) -> bool:
        """Under any receipt."""
        return bool(self.queue.failed(Taken(str(j), receipt)))

    def more_time(self, j: Job, receipt: int) -> bool:
        """Under any receipt."""
        return bool(self.queue.more_time(Taken(str(j), receipt)))

    def elapse(self, n: int) -> None:
        """Move the clock."""
        self.now += n

    def observe(self) -> Observation:
        """Of each job its state and how many attempts there were."""
        states = self.queue.states()
        none = ("nowhere", 0)
        return {
            "state": {str(j): states.get(str(j), none)[0] for j in Job},
            "attempts": {str(j): states.get(str(j), none)[1] for j in Job},
        }


class Log(Binding):
    """What those who use a queue note: each call with its time, and what came of it."""

    def __init__(self, jobs: int = 100, within: int = 30, most: int = 5) -> None:
        self.job = Names(Job, jobs)
        self.sizes: Mapping[str, int] = {"Job": jobs, "within": within, "most": most}
        self.now = 0

    def model(self) -> Jobs:
        """Room for a run of so many jobs."""
        return Jobs(**self.sizes)

    def steps(self, event: Event) -> Steps:
        """Time goes by, and then there is what the event means: what was asked for, or that it is refused."""
        meant = super().steps(event)
        passed, self.now = event.arguments["now"] - self.now, event.arguments["now"]
        return (do("elapse", n=min(passed, self.sizes["within"])), meant) if passed > 0 else meant

    def on_put(self, now: int, job: str, done: bool) -> Steps:
        """A job comes, or is there."""
        return self.so(done, do("put", j=self.job(job)))

    def on_take(self, now: int, job: str | None) -> Steps:
        """A job is taken, or there was none."""
        return refused(do("take")) if job is None else do("take", j=self.job(job))

    def on_done(self, now: int, job: str, receipt: int, done: bool) -> Steps:
        """A job is done, or it is too late."""
        return self.so(done, do("done", j=self.job(job), receipt=receipt))

    def on_failed(self, now: int, job: str, receipt: int, done: bool) -> Steps:
        """An attempt came to nothing, or it is too late."""
        return self.so(done, do("failed", j=self.job(job), receipt=receipt))

    def on_more_time(self, now: int, job: str, receipt: int, done: bool) -> Steps:
        """There is more time, or it is too late."""
        return self.so(done, do("more_time", j=self.job(job), receipt=receipt))

    def so(self, done: bool, step: Any) -> Steps:
        """The step, or that it is not possible."""
        return step if done else refused(step)
