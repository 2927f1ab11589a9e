"""One core alone, given whatever can be said to it, by anybody, of any age: step by step it must come to what its reference does.

What correct nodes never say comes as well: the contract has it that such is ignored, and that `step` never raises. A run costs no
more than its steps, thousands a second, since nobody follows it.

Guarantees: a run is a function of (protocol, seed, steps).
"""

from __future__ import annotations

from random import Random

from ratified.conform.protocol import Protocol, names_of
from ratified.conform.reference import BackToBack, finder
from ratified.conform.simulation import Simulated
from ratified.impl.contract import Core, Input, Observation, Persisted
from ratified.impl.system import BrokenPromise
from ratified.results.result import Verdict
from ratified.simulator.disk import Disk

STEPS = 600
CRASHES = 0.01
WRITTEN = 0.15
SIZES = (3, 5, 3, 2, 3, 1, 3, 4)


def alone(protocol: Protocol, seed: int, *, nodes: int | None = None, steps: int = STEPS) -> Simulated:
    """Give a core so many inputs; now and then its disk finishes something, and it crashes. Needs `reference` and `inputs`.

    How many nodes there are, or would be, is drawn where it is not said; every eighth core has no observer.
    """
    nodes = SIZES[seed % len(SIZES)] if nodes is None else nodes
    assert protocol.reference is not None
    assert protocol.inputs is not None
    random = Random(f"alone/{seed}")  # noqa: S311 - to repeat runs, not to keep secrets
    names = names_of(nodes)
    system = protocol.system(seed)
    disk = Disk(system.bootstrap(names[0], tuple(names)))
    actions: list[str] = []
    watched = seed % 8 != 4
    held = BackToBack(protocol.reference, actions if watched else None)

    def observe(observation: Observation) -> None:
        actions.append(observation.action)

    core: Core | None = None
    event: Input = Persisted(0)
    done = 0
    try:
        while done < steps:
            done += 1
            if core is None or random.random() < CRASHES:
                disk.crash(random.randint(0, disk.units()))
                durable = disk.durable
                own = Random(f"{seed}/{done}")  # noqa: S311 - likewise
                core = system.make(names[0], durable, own, observe if watched else None)
                held.started(core, durable)
            if disk.pending and random.random() < WRITTEN:
                disk.persist(random.randint(disk.persisted + 1, disk.pending))
                event = Persisted(disk.persisted)
            else:
                event = protocol.inputs(random, core, names)
            effects = core.step(event)
            if effects.writes:
                disk.write(effects.token, effects.writes)
            held.stepped(core, event, effects)
    except BrokenPromise as broken:
        found, why = finder(str(broken)), str(broken)
    except Exception as error:  # noqa: BLE001 - a mistake may raise anything, which is what is looked for
        found, why = "exception", f"{names[0]} raised {error!r} when it was given {event}"
    else:
        return Simulated(seed, nodes, done, done, Verdict.HOLDS, alone=True)
    return Simulated(seed, nodes, done, done, Verdict.VIOLATED, found, why, alone=True)
