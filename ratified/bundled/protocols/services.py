"""Policies of those who use services: balancing, retry, failover, recovery."""

from __future__ import annotations

from ratified.bundled.description import Bug, BundledModel, BundledProtocol

MODELS = "ratified.models.services"
PROOFS = "ratified.proofs.services"

SUMS = "what adds up to zero is a sum, which this logic cannot say"
COUNTS = "what it breaks is a bound on counts, which are sums, and this logic cannot say them"
ENOUGH = "how many hosts are left is a number of members, which this logic cannot say"
DEALT = "who comes at which place of a sorted row is a number of members, which this logic cannot say"
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
            "reweighted",
            f"{MODELS}.reweighting:Reweighted",
            "smooth weighted round-robin while weights change",
        ),
        BundledModel(
            "round-robin",
            f"{MODELS}.turns:RoundRobin",
            "turns among endpoints that come and go",
        ),
        BundledModel(
            "two-choices",
            f"{MODELS}.choices:TwoChoices",
            "the less busy of two servers that are drawn",
            proof=f"{PROOFS}.balancing:TwoChoicesSafety",
        ),
        BundledModel(
            "ring",
            f"{MODELS}.ring:Ring",
            "consistent hashing: a change moves only what it must",
            proof=f"{PROOFS}.balancing:RingSafety",
        ),
        BundledModel(
            "bounded-load",
            f"{MODELS}.bounded:BoundedLoad",
            "hashing that goes on to the next where one has its share",
        ),
        BundledModel(
            "maglev",
            f"{MODELS}.maglev:Maglev",
            "a table that nodes fill in turns",
        ),
        BundledModel(
            "ejection",
            f"{MODELS}.ejection:Ejection",
            "hosts that fail are left out, but never too many",
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
            "reweighted-begins-anew",
            "weights that change begin the schedule anew: light nodes starve",
            model=f"{MODELS}.reweighting:BeginsAnew",
            no_proof=LIVENESS,
        ),
        Bug(
            "turns-begin-anew",
            "turns begin with the first endpoint whenever one comes or goes",
            model=f"{MODELS}.turns:BeginsAnew",
            no_proof=COUNTS,
        ),
        Bug(
            "turns-by-number",
            "a turn is a number to count by: when one goes, another is passed over",
            model=f"{MODELS}.turns:ByNumber",
            no_proof=COUNTS,
        ),
        Bug(
            "choices-with-replacement",
            "the two that are drawn may be the same one, which may be the busiest",
            model=f"{MODELS}.choices:WithReplacement",
        ),
        Bug(
            "one-choice",
            "whoever is drawn first has the request, however busy it is",
            model=f"{MODELS}.choices:OneChoice",
        ),
        Bug(
            "hash-modulo",
            "keys are dealt by their number: nearly all move when a node comes or goes",
            model=f"{MODELS}.ring:Modulo",
            no_proof=DEALT,
        ),
        Bug(
            "hash-alone",
            "the hash decides, however much a server has on the way",
            model=f"{MODELS}.bounded:HashAlone",
            no_proof=COUNTS,
        ),
        Bug(
            "arriving-not-counted",
            "the request that arrives is not counted: no idle server has room",
            model=f"{MODELS}.bounded:WithoutTheArriving",
            no_proof=COUNTS,
        ),
        Bug(
            "maglev-keeps-its-turn",
            "a node that found a place goes on: the first have more than their share",
            model=f"{MODELS}.maglev:KeepsItsTurn",
            no_proof=COUNTS,
        ),
        Bug(
            "ejection-limit-before",
            "the limit is asked for before the ejection: with 67% all of three go",
            model=f"{MODELS}.ejection:LimitBefore",
            no_proof=ENOUGH,
        ),
        Bug(
            "no-panic",
            "the few hosts that are left get all the requests",
            model=f"{MODELS}.ejection:NoPanic",
            no_proof=ENOUGH,
        ),
        Bug(
            "never-forgiven",
            "ejections only ever become longer",
            model=f"{MODELS}.ejection:NeverForgiven",
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
