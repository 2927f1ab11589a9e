"""Scenarios: a text script says what happens to a cluster, and a transcript comes out, to be read and kept beside it.

    # A candidate with a short log cannot win.
    system raft pre_vote=no
    nodes a b c
    disk a term=2 log=1
    disk b term=2 log=1,2
    disk c term=2 log=1,2
    campaign a
    stabilise
    show

Every step of a schedule (`ratified.simulator.steps`) is a line of a script; some lines stand for many steps, or are shorter:

    system NAME [SETTING=VALUE]...   first of all: the protocol, and what is different from its small configuration
    nodes NAME...                    then: the nodes
    disk NODE NAME=VALUE...          what a node has on its disk at first, where the protocol can say that
    seed NUMBER                      for the cores' generators; 0 otherwise

    campaign NODE                    or any other order
    propose NODE COMMAND             a client's next command, as `submit` would have it
    deliver NODE NODE                the oldest message on its way from the one to the other
    lose NODE NODE                   all of them
    isolate NODE                     nothing gets to it or from it
    persist                          every disk has written everything
    stabilise                        disks write and messages arrive until nothing is left; no clock ticks
    calm                             all faults end, clocks tick, until everything is applied everywhere
    show                             every node in a line
    quiet, aloud                     from here on only `show` and comments are written; or everything again
    # ...                            is copied

Guarantees: the same script gives the same transcript; a line that cannot be read is a ScheduleError with its number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ratified.impl.contract import Command, Durable, NodeId
from ratified.impl.system import BrokenPromise, SettingError, System
from ratified.impl.text import printed
from ratified.simulator.steps import (
    CONTROLS,
    USAGE,
    ClientStep,
    Deliver,
    Lose,
    Order,
    Partition,
    Persist,
    ScheduleError,
    ScheduleStep,
    control_name,
    parse_control,
    parse_step,
)
from ratified.simulator.transcript import Transcript
from ratified.simulator.world import World

PROPOSER = "client"
"""The client whose commands `propose` sends; it does not wait for answers, so each is a client of its own by number."""


MakeSystem = Callable[[str, Mapping[str, str]], System]
"""Makes a system from its name and settings, as a script has them. Raises SettingError."""


def play(script: str, make: MakeSystem, name: str = "script") -> str:
    """Play a script and return its transcript.

    A broken promise ends the transcript with a line that begins with VIOLATION.

    Raises:
        ScheduleError: a line cannot be read; the message begins with `name` and the line's number.
    """
    scene = Scene(make)
    for number, line in enumerate(script.splitlines(), 1):
        try:
            scene.line(line.strip())
        except (ScheduleError, SettingError) as error:
            raise ScheduleError(f"{name}:{number}: {error}") from None
        except BrokenPromise as violation:
            scene.transcript.say(f"VIOLATION: {violation}")
            break
    if not scene.set_up:
        raise ScheduleError(
            f"{name}: there is nothing to play: a script begins with `system NAME` and `nodes NAME...`"
        )
    return scene.transcript.text()


class Scene:
    """A script half-way."""

    def __init__(self, make: MakeSystem) -> None:
        self.transcript = Transcript()
        self._make = make
        self._system: System | None = None
        self._nodes: tuple[NodeId, ...] = ()
        self._disks: dict[NodeId, Durable] = {}
        self._seed = 0
        self._world: World | None = None
        self._proposals = 0

    @property
    def set_up(self) -> bool:
        """Whether a line has said what is played."""
        return self._system is not None

    def line(self, line: str) -> None:
        """Do what a line says."""
        if not line or line.startswith("#"):
            self.transcript.say(line)
            return
        verb, *words = line.partition("#")[0].split()
        if verb in _SETTING_UP:
            if self._world is not None:
                raise ScheduleError(f"{verb} must come before the first step")
            _SETTING_UP[verb](self, words)
            return
        world = self._started()
        if verb in ("show", "quiet", "aloud", "stabilise", "calm") and words:
            raise ScheduleError(f"{verb} takes no arguments")
        if verb not in ("show", "quiet", "aloud"):
            self.transcript.say(f"> {line}")
        match verb:
            case "show":
                self._show(world)
            case "quiet":
                self.transcript.quiet = True
            case "aloud":
                self.transcript.quiet = False
            case "stabilise":
                world.stabilise()
            case "calm":
                world.calm()
            case _:
                for step in self._steps(world, verb, words, line):
                    world.perform(step)

    # Setting up

    def _set_system(self, words: list[str]) -> None:
        if not words:
            raise ScheduleError("write: system NAME [SETTING=VALUE]...")
        self._system = self._make(words[0], _settings(words[1:]))

    def _set_nodes(self, words: list[str]) -> None:
        if not words or len(set(words)) < len(words):
            raise ScheduleError("write: nodes NAME..., each once")
        self._nodes = tuple(words)

    def _set_disk(self, words: list[str]) -> None:
        node, *rest = words or [""]
        if self._system is None or node not in self._nodes:
            raise ScheduleError(f"there is no node {node!r}; a disk comes after `system` and `nodes`")
        if self._system.preset is None:
            raise ScheduleError(f"{self._system.name} cannot be given a disk")
        durable = self._system.bootstrap(node, self._nodes)
        try:
            self._disks[node] = self._system.preset(durable, _settings(rest))
        except ValueError as error:
            raise ScheduleError(str(error)) from None

    def _set_seed(self, words: list[str]) -> None:
        try:
            self._seed = int(*words)
        except (TypeError, ValueError):
            raise ScheduleError("write: seed NUMBER") from None

    def _started(self) -> World:
        if self._world is None:
            if self._system is None or not self._nodes:
                raise ScheduleError("a script begins with `system NAME` and `nodes NAME...`")
            self._world = World(self._system, self._nodes, self._seed, self.transcript, self._disks)
            self.transcript.attach(self._world)
        return self._world

    # Lines that are steps, or stand for some

    def _steps(self, world: World, verb: str, words: list[str], line: str) -> list[ScheduleStep]:
        controls = (*CONTROLS, *world.system.controls)
        if verb in ("deliver", "lose") and len(words) == 2:
            sender, to = self._known(words[0]), self._known(words[1])
            waiting = list(world.network.get((sender, to), ()))
            if verb == "lose":
                return [Lose(sender, to, number) for number in waiting]
            if not waiting:
                raise ScheduleError(f"no message is in transit from {sender} to {to}")
            return [Deliver(sender, to, waiting[0])]
        match verb, words:
            case "isolate", [node]:
                others = tuple(name for name in self._nodes if name != self._known(node))
                return [Partition(((node,), others))]
            case "persist", []:
                return [Persist(name) for name, node in world.nodes.items() if node.disk.pending]
            case "propose", [node, _, *_]:
                self._proposals += 1
                payload = line.split(None, 2)[2].partition("#")[0].strip()
                command = Command(f"{PROPOSER}{self._proposals}", 1, payload.encode())
                return [ClientStep(self._known(node), command)]
            case _, [node, *rest] if verb in map(control_name, controls):
                return [Order(self._known(node), parse_control(verb, rest, controls))]
        if verb not in USAGE and verb not in ("isolate", "propose"):
            known = sorted({*USAGE, *_SETTING_UP, *_MORE, *map(control_name, controls)})
            raise ScheduleError(f"unknown command {verb!r}; there are: {', '.join(known)}")
        step = parse_step(line.partition("#")[0], controls)
        for name in ("node", "sender", "to"):
            if hasattr(step, name):
                self._known(getattr(step, name))
        return [step]

    def _known(self, node: NodeId) -> NodeId:
        if node not in self._nodes:
            raise ScheduleError(f"there is no node {node!r}; there are: {', '.join(self._nodes)}")
        return node

    def _show(self, world: World) -> None:
        width = max(map(len, self._nodes))
        for name, node in world.nodes.items():
            if node.core is None:
                text = "down"
            elif world.system.describe is not None:
                text = world.system.describe(node.core)
            else:
                text = ", ".join(f"{key} {printed(value)}" for key, value in node.core.observe().items())
            self.transcript.say(f"    {name:<{width}}  {text}")


_SETTING_UP: Mapping[str, Callable[[Scene, list[str]], None]] = {
    "system": Scene._set_system,
    "nodes": Scene._set_nodes,
    "disk": Scene._set_disk,
    "seed": Scene._set_seed,
}

_MORE = ("propose", "isolate", "stabilise", "calm", "show", "quiet", "aloud")


def _settings(words: list[str]) -> dict[str, str]:
    """Read words like name=value."""
    settings = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise ScheduleError(f"{word!r} is not NAME=VALUE")
        settings[key] = value
    return settings
