"""Policies of those who use services: balancing, retry, failover, recovery."""

from __future__ import annotations

from ratified.bundled.description import Bug, BundledModel, BundledProtocol

MODELS = "ratified.models.services"
PROOFS = "ratified.proofs.services"

SUMS = "what adds up to zero is a sum, which this logic cannot say"
LIVENESS = "what it breaks is a claim of liveness, which proofs are not about"

PROTOCOL = BundledProtocol(
    "services",
    "load balancing, retry, failover and recovery, and what breaks them",
    models=(
        BundledModel(
            "smooth-weighted",
            f"{MODELS}.balancing:SmoothWeighted",
            "smooth weighted round-robin while nodes go down and come up",
        ),
        BundledModel(
            "retries",
            f"{MODELS}.retry:Retries",
            "requests that may be sent again and take effect once",
            proof=f"{PROOFS}.retry:RetriesSafety",
        ),
        BundledModel(
            "overload",
            f"{MODELS}.overload:Overload",
            "a queue that heals after an outage, though clients retry",
        ),
        BundledModel(
            "failover",
            f"{MODELS}.failover:Failover",
            "a lease, clocks that drift, and fencing tokens",
            proof=f"{PROOFS}.failover:FailoverSafety",
        ),
        BundledModel(
            "recovery",
            f"{MODELS}.recovery:Recovery",
            "a log that has all that was acknowledged after any crash",
            proof=f"{PROOFS}.recovery:RecoverySafety",
        ),
        BundledModel(
            "supervision",
            f"{MODELS}.supervision:Supervision",
            "children that are restarted, but not for ever",
        ),
    ),
    bugs=(
        Bug(
            "pays-its-own",
            "whoever is picked pays its own weight and not what all gained",
            model=f"{MODELS}.balancing:PaysItsOwn",
            no_proof=SUMS,
        ),
        Bug(
            "all-of-the-heaviest",
            "the heaviest node has all its turns of a round first, as in nginx once",
            model=f"{MODELS}.balancing:AllOfTheHeaviest",
            no_proof=SUMS,
        ),
        Bug(
            "picks-the-dead",
            "nodes that are down are picked",
            model=f"{MODELS}.balancing:PicksTheDead",
            no_proof=SUMS,
        ),
        Bug(
            "forgets-the-light",
            "the schedule begins anew with each change: light nodes are never served",
            model=f"{MODELS}.balancing:ForgetsTheLight",
            no_proof=LIVENESS,
        ),
        Bug(
            "no-sessions",
            "a request that comes again is executed again",
            model=f"{MODELS}.retry:NoSessions",
        ),
        Bug(
            "forgotten-sessions",
            "a server that restarts has forgotten what it executed",
            model=f"{MODELS}.retry:ForgottenSessions",
        ),
        Bug(
            "unlimited-retries",
            "each client looks at its own attempts only",
            model=f"{MODELS}.retry:NoBudget",
            no_proof=SUMS,
        ),
        Bug(
            "metastable",
            "all who had no answer in time try again: an overload that never ends",
            model=f"{MODELS}.overload:NoBudget",
            no_proof=LIVENESS,
        ),
        Bug(
            "unchecked-token",
            "a store does not look at fencing tokens",
            model=f"{MODELS}.failover:UncheckedToken",
        ),
        Bug(
            "fast-clock",
            "a lock service does not allow for clocks that drift",
            model=f"{MODELS}.failover:FastClock",
        ),
        Bug(
            "token-used-again",
            "a lock service that restarts gives tokens once more",
            model=f"{MODELS}.failover:TokenUsedAgain",
        ),
        Bug(
            "acknowledged-early",
            "clients are told before it is on disk",
            model=f"{MODELS}.recovery:AcknowledgedEarly",
        ),
        Bug("two-processes", "two processes run on one folder", model=f"{MODELS}.recovery:TwoProcesses"),
        Bug(
            "restart-loop",
            "restarts are not counted: what fails for ever is started for ever",
            model=f"{MODELS}.supervision:RestartLoop",
            no_proof=LIVENESS,
        ),
    ),
)
