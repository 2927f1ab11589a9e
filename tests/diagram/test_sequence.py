"""Sequence diagrams: who sent what, who received it, what was lost, repeated, overtaken; and how it is drawn."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations, pairwise
from pathlib import Path
from typing import ClassVar, cast

import pytest

from ratified import Bag, Lifelines, Map, ModelError, RatifiedError, Seq, Set, check, sequence, simulate
from ratified.diagram.pair import induction_step, side_by_side
from ratified.diagram.rows import Ending, Fate
from ratified.diagram.sequence import DiagramRecorder, SequenceDiagram
from ratified.diagram.svg import LETTER
from ratified.language.machine import OutOfBounds, PythonMachine, state_dict
from ratified.language.model import Model
from ratified.language.values import show
from ratified.models.commit.broken import MajorityCommit
from ratified.models.commit.two_phase import TwoPhase
from ratified.models.paxos.broken import HalfQuorums
from ratified.models.paxos.paxos import Paxos
from ratified.models.raft.raft import Raft
from ratified.results.result import State, Step, Trace
from tests.diagram.toys import Chain, Forged, Lease, Pings, Poll, Ring, Shaky


def run_of(model: Model, *calls: str) -> Trace:
    """The run in which these steps are taken, each the first whose call begins so."""
    machine = PythonMachine(model)
    state = machine.initial()[0][1]
    begun, steps = state_dict(machine, state), []  # type: ignore[arg-type]  # no bound is left here
    for call in calls:
        for action, arguments, after in machine.steps(state):  # type: ignore[arg-type]  # likewise
            named = tuple(
                (a.name, v) for a, v in zip(machine.actions[action].arguments, arguments, strict=True)
            )
            told = f"{machine.actions[action].name} {' '.join(str(v) for _, v in named)}"
            if told.startswith(call):
                state = after
                steps.append(Step(machine.actions[action].name, named, state_dict(machine, state)))  # type: ignore[arg-type]
                break
        else:
            raise AssertionError(call)
    return Trace(begun, tuple(steps))


def test_messages_of_paxos_are_found_without_being_told() -> None:
    diagram = sequence(check(HalfQuorums(Acceptor=2, Value=2, Ballot=2), claims=["agreement"]))
    assert diagram.lifelines == ("leader b0", "leader b1", "acceptor a1", "acceptor a2")
    assert [r.actor for r in diagram.rows] == [0, 2, 0, 2, 1, 3, 1, 2]
    told = [
        (m.label.partition("(")[0], m.sender, m.receiver, m.sent, m.ended, m.fate) for m in diagram.messages
    ]
    assert told == [
        ("Prepare", 0, 2, 1, 2, Fate.RECEIVED),
        ("Promise", 2, 0, 2, 3, Fate.RECEIVED),
        ("Propose", 0, 2, 3, 4, Fate.RECEIVED),
        ("Accepted", 2, 0, 4, 8, Fate.IN_FLIGHT),
        ("Prepare", 1, 3, 5, 6, Fate.RECEIVED),
        ("Promise", 3, 1, 6, 7, Fate.RECEIVED),
        ("Propose", 1, 2, 7, 8, Fate.RECEIVED),
        ("Accepted", 2, 1, 8, 8, Fate.IN_FLIGHT),
    ]
    assert diagram.ending == Ending("agreement fails after 8 steps")


def test_variables_of_no_process_have_the_lifeline_that_the_model_names() -> None:
    diagram = sequence(check(MajorityCommit(ResourceManager=3)))
    assert diagram.lifelines == ("rm1", "rm2", "rm3", "manager")
    received = [(m.label, m.sender, m.receiver) for m in diagram.messages if m.fate is Fate.RECEIVED]
    assert received == [("Prepared(manager=rm1)", 0, 3), ("Prepared(manager=rm2)", 1, 3)]


def test_lost_repeated_and_overtaking() -> None:
    model = Pings(Node=2)
    calls = (
        "send n1 n2",
        "send n1 n2",
        "repeat Ping(source=n1, dest=n2, number=2)",
        "receive Ping(source=n1, dest=n2, number=2)",
    )
    more = (
        "receive Ping(source=n1, dest=n2, number=1)",
        "lose Ping(source=n1, dest=n2, number=2)",
        "send n2 n1",
    )
    diagram = sequence(run_of(model, *calls, *more), model)
    assert [
        (m.label, m.sender, m.receiver, m.sent, m.ended, m.fate, m.copy, m.overtakes)
        for m in diagram.messages
    ] == [
        ("Ping(number=1)", 0, 1, 1, 5, Fate.RECEIVED, False, False),
        ("Ping(number=2)", 0, 1, 2, 4, Fate.RECEIVED, False, True),
        ("Ping(number=2)", 0, 1, 3, 6, Fate.LOST, True, False),
        ("Ping(number=1)", 1, 0, 7, 7, Fate.IN_FLIGHT, False, False),
    ]
    assert [(r.call, r.actor) for r in diagram.rows] == [
        ("send(n=n1, m=n2)", 0),
        ("send(n=n1, m=n2)", 0),
        ("repeat(p)", None),
        ("receive(p)", 1),
        ("receive(p)", 1),
        ("lose(p)", None),
        ("send(n=n2, m=n1)", 1),
    ]
    assert diagram.rows[3].changes == ((1, ("last: 0 \u2192 2",)),)
    text = diagram.to_mermaid()
    assert "p0->>p1: Ping(number=2) (sent in step 2) (overtakes)" in text
    assert "p0-xp1: Ping(number=2) (sent in step 3) (repeated) lost" in text
    assert "p1--)p0: Ping(number=1) (sent in step 7, still in flight)" in text
    svg = diagram.to_svg()
    assert "lost in step 6" in svg
    for words in ("hollow: it overtakes", "dotted: the network repeats", "a message that is lost"):
        assert words in svg


def test_sending_the_same_once_more_is_no_repetition_by_the_network() -> None:
    model = Raft(Server=2, Value=1, max_term=2, max_messages=3, max_copies=2)
    calls = ("timeout s1", "request_vote s1 s2", "request_vote s1 s2", "update_term", "handle_request_vote")
    diagram = sequence(run_of(model, *calls), model)
    requests = [m for m in diagram.messages if m.label.startswith("RequestVote(")]
    assert [(m.sent, m.ended, m.copy, m.fate) for m in requests] == [
        (2, 4, False, Fate.RECEIVED),
        (3, 5, False, Fate.IN_FLIGHT),
    ]
    assert [r.actor for r in diagram.rows] == [0, 0, 0, 1, 1]


def test_a_message_that_remains_is_received_once() -> None:
    model = Raft(Server=2, Value=1)
    diagram = sequence(
        run_of(model, "timeout s1", "request_vote s1 s2", "update_term", "handle_request_vote"), model
    )
    assert [r.actor for r in diagram.rows] == [0, 0, 1, 1]
    (request,) = (m for m in diagram.messages if m.label.startswith("RequestVote("))
    assert (request.sender, request.receiver, request.sent, request.ended) == (0, 1, 2, 3)


def test_channels_that_the_model_names() -> None:
    model = Ring(Node=2)
    diagram = sequence(run_of(model, "send n1 n2", "send n1 n2", "receive n1 n2", "receive n1 n2"), model)
    assert diagram.lifelines == ("node n1", "node n2")
    assert [(m.label, m.sender, m.receiver, m.sent, m.ended, m.overtakes) for m in diagram.messages] == [
        ("Token(turn=1)", 0, 1, 1, 3, False),
        ("Token(turn=2)", 0, 1, 2, 4, False),
    ]
    assert [(r.actor, r.changes) for r in diagram.rows[2:]] == [
        (1, ((1, ("turns: 0 \u2192 1",)),)),
        (1, ((1, ("turns: 1 \u2192 2",)),)),
    ]


def test_a_message_may_be_any_value() -> None:
    diagram = sequence(check(Chain(Node=2, Update=2)))
    assert [(m.label, m.sender, m.receiver, m.fate) for m in diagram.messages] == [
        ("u1", 0, 1, Fate.IN_FLIGHT)
    ]


def test_what_waits_in_a_channel_was_not_received() -> None:
    model = Shaky(Node=2)
    calls = ("send n1 n2", "send n1 n2", "overtake n1 n2", "send n2 n2", "receive n2 n2", "send n2 n1")
    diagram = sequence(run_of(model, *calls, "send n1 n2", "crash n2"), model)
    assert [(m.label, m.sender, m.receiver, m.sent, m.ended, m.fate) for m in diagram.messages] == [
        ("True", 0, 1, 1, 8, Fate.LOST),  # a crash takes along what has not arrived
        ("False", 0, 1, 2, 3, Fate.RECEIVED),
        ("True", 1, 1, 4, 5, Fate.RECEIVED),
        ("True", 1, 0, 6, 8, Fate.IN_FLIGHT),
        ("False", 0, 1, 7, 8, Fate.LOST),
    ]
    assert [r.actor for r in diagram.rows] == [0, 0, 1, 1, 1, 1, 0, 1]
    assert "p1->>p1: True" in diagram.to_mermaid()


def test_what_one_sends_oneself_arrives_and_a_set_of_records_is_no_network() -> None:
    model = Poll(Node=2)
    calls = ("vote n1 n1", "vote n2 n1", "sit n1 0", "count n1", "rise n1 0")
    diagram = sequence(run_of(model, *calls), model)
    assert [(m.label, m.sender, m.receiver, m.sent, m.ended, m.fate) for m in diagram.messages] == [
        ("Ballot(voter=n1, chosen=n1)", 0, 0, 1, 4, Fate.RECEIVED),
        ("Ballot(voter=n2, chosen=n1)", 1, 0, 2, 4, Fate.RECEIVED),
    ]
    assert [r.changes for r in diagram.rows[2:]] == [
        ((0, ("seats + Seat(holder=n1, number=0)",)),),
        ((0, ("elected: None \u2192 n1",)),),
        ((0, ("seats - Seat(holder=n1, number=0)",)),),
    ]


def test_a_model_may_have_no_network_whatever_its_variables_are_called() -> None:
    class Quiet(Poll):
        """The same, with its votes as a table."""

        lifelines: ClassVar[Lifelines] = Lifelines(network=())

    diagram = sequence(run_of(Quiet(Node=2), "vote n1 n1"), Quiet(Node=2))
    assert diagram.messages == ()
    assert diagram.rows[0].changes == (
        (0, ("voted: False \u2192 True", "messages + Ballot(voter=n1, chosen=n1)")),
    )


def test_lifelines_that_name_no_variable() -> None:
    class Misnamed(Poll):
        """Its network is called otherwise."""

        lifelines: ClassVar[Lifelines] = Lifelines(network=("mesages",))

    with pytest.raises(ModelError) as caught:
        sequence(run_of(Misnamed(Node=2), "vote n1 n1"), Misnamed(Node=2))
    assert (
        caught.value.message == "the lifelines of Misnamed name a variable 'mesages', which it does not have"
    )
    assert caught.value.remedy == "its variables: voted, elected, seats, messages"


def test_a_label_leaves_out_only_what_the_arrow_shows() -> None:
    model = Forged(Node=2)
    diagram = sequence(
        run_of(model, "forge n2 n1 n1", "take_both n1 Ping(source=n1, dest=n1, number=2)"), model
    )
    assert [(m.label, m.sender, m.receiver, m.fate) for m in diagram.messages] == [
        ("Ping(number=1)", 0, 0, Fate.RECEIVED),
        ("Ping(source=n1, number=2)", 1, 0, Fate.RECEIVED),
    ]
    # Of two that arrive the call has to say which was meant.
    assert [r.call for r in diagram.rows] == [
        "forge(by=n2, as_=n1, to=n1)",
        "take_both(n=n1, p=Ping(source=n1, dest=n1, number=2))",
    ]


def held(state: State, networks: tuple[str, ...]) -> Counter[tuple[object, ...]]:
    """What is in networks: variable, keys and message, as often as there are copies."""

    def inside(value: object, *at: object) -> Iterator[tuple[object, ...]]:
        if isinstance(value, Map):
            for key, kept in value.items():
                yield from inside(kept, *at, key)
        else:
            assert isinstance(value, Seq | Set | Bag)
            yield from ((*at, item) for item in value)

    return Counter(found for name in networks for found in inside(state[name], name))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("model", "networks"),
    [
        (Pings(Node=2), ("wire",)),
        (Ring(Node=3), ("channel",)),
        (Shaky(Node=2), ("wire",)),
        (Chain(Node=2, Update=2), ("wire",)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Model) else "",
)
def test_arrows_are_what_steps_have_put_in_and_taken_out(
    model: Model, networks: tuple[str, ...], seed: int
) -> None:
    walk = simulate(model, runs=1, length=25, seed=seed).first
    assert walk is not None
    diagram = sequence(walk, model)
    for k, (before, after) in enumerate(pairwise(walk.states), 1):
        old, new = held(before, networks), held(after, networks)
        sent = [m for m in diagram.messages if m.sent == k]
        ended = [m for m in diagram.messages if m.ended == k and m.fate is not Fate.IN_FLIGHT]
        assert (len(sent), len(ended)) == ((new - old).total(), (old - new).total()), walk.steps[k - 1]
        lost = walk.steps[k - 1].action in ("lose", "crash")
        assert {m.fate for m in ended} <= {Fate.LOST if lost else Fate.RECEIVED}
        if type(model) is not Pings:  # whose labels leave out who sends and who receives
            assert sorted(m.label for m in ended) == sorted(show(item[-1]) for item in (old - new).elements())
    waiting = [m for m in diagram.messages if m.fate is Fate.IN_FLIGHT]
    assert len(waiting) == held(walk.states[-1], networks).total()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "model",
    [Poll(Node=2), TwoPhase(ResourceManager=2), Paxos(Acceptor=2, Value=2, Ballot=2)],
    ids=lambda model: type(model).__name__,
)
def test_a_step_cannot_do_without_a_message_that_arrives(model: Model, seed: int) -> None:
    walk = simulate(model, runs=1, length=12, seed=seed).first
    assert walk is not None
    diagram, machine = sequence(walk, model), PythonMachine(model)
    for k, (before, step) in enumerate(zip(walk.states, walk.steps, strict=False), 1):
        arriving = [m for m in diagram.messages if m.ended == k and m.fate is Fate.RECEIVED]
        messages = cast("Set[object]", before["messages"])
        for arrow in arriving:
            assert arrow.sent < k
            (message,) = (m for m in messages if show(m) == arrow.label)
            fewer = {**before, "messages": Set(m for m in messages if m != message)}
            for _, after in machine.take(tuple(fewer.values()), step.action, dict(step.arguments)):
                assert not isinstance(after, OutOfBounds)
                assert {**state_dict(machine, after), "messages": None} != {**step.state, "messages": None}


def test_a_model_without_messages_is_a_diagram_too() -> None:
    diagram = sequence(check(Lease(Client=2)))
    assert (diagram.lifelines, diagram.messages) == (("c1", "c2", "Lease"), ())
    assert [r.actor for r in diagram.rows] == [0, 2, 1]
    assert diagram.rows[1].changes == ((2, ("granted: c1 \u2192 None",)),)


def test_there_must_be_a_run() -> None:
    with pytest.raises(ModelError, match="no claim of Pings is violated"):
        sequence(check(Pings(Node=2), claims=[]))
    with pytest.raises(ModelError, match="cannot tell which model"):
        sequence(simulate(Pings(Node=2), runs=1, length=2).first)


def test_walks_can_be_drawn_whatever_happens_in_them() -> None:
    model = Raft(Server=3, Value=1, max_term=3, max_log=2, max_messages=4, max_copies=2)
    seen: Counter[tuple[Fate, bool, bool]] = Counter()
    for seed in range(8):
        walk = simulate(model, runs=1, length=25, seed=seed).first
        diagram = sequence(walk, model)
        assert len(diagram.rows) == len(walk.steps)
        assert all(m.sent < m.ended or m.fate is Fate.IN_FLIGHT for m in diagram.messages)
        seen.update((m.fate, m.copy, m.overtakes) for m in diagram.messages)
        ET.fromstring(diagram.to_svg())
    assert {fate for fate, _, _ in seen} == set(Fate)
    assert any(copy for _, copy, _ in seen)


# --- the picture ---


def boxes(svg: str) -> list[tuple[float, float, float, float]]:
    """The boxes that hold changes, and the texts at the left: what must not overlap."""
    ns = "{http://www.w3.org/2000/svg}"
    root = ET.fromstring(svg)
    found = []
    for r in root.iter(f"{ns}rect"):
        if r.get("fill") == "#ffffff" and r.get("x"):
            x, y, w, h = (float(r.get(k, "0")) for k in ("x", "y", "width", "height"))
            found.append((x, y, x + w, y + h))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_boxes_do_not_overlap_and_everything_is_inside(seed: int) -> None:
    model = Raft(Server=3, Value=1, max_term=3, max_log=2, max_messages=4, max_copies=2)
    svg = sequence(simulate(model, runs=1, length=25, seed=seed).first, model).to_svg()
    for a, b in combinations(boxes(svg), 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)
    assert_inside(svg)


def assert_inside(svg: str) -> None:
    """No text is cut at the edge of the picture."""
    root = ET.fromstring(svg)
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        size, x = float(text.get("font-size", "0")), float(text.get("x", "0"))
        wide = len(text.text or "") * size * LETTER
        left = {"start": x, "middle": x - wide / 2, "end": x - wide}[text.get("text-anchor", "start")]
        assert left >= 0, text.text
        assert left + wide <= width, text.text
        assert float(text.get("y", "0")) <= height, text.text


def test_a_run_that_repeats_for_ever_has_a_bracket() -> None:
    recorder = DiagramRecorder("round and round", ["a", "b"])
    for call in ("one", "two", "three"):
        recorder.step(call, "a")
    diagram = recorder.diagram(Ending("it never ends"), loop=1)
    svg = diagram.to_svg()
    assert "from here it goes on as after step 1, for ever" in svg
    lines = [line for line in svg.splitlines() if 'stroke="#e4e4e4"' in line]  # where rows begin
    second = float(lines[1].partition('y1="')[2].partition('"')[0])
    (bracket,) = (line for line in svg.splitlines() if 'd="M 22 ' in line)
    assert second < float(bracket.partition(" V ")[2].partition(" ")[0]) < second + 20
    stays = recorder.diagram(Ending("it never ends"), loop=3).to_svg()
    assert "and so it stays, for ever" in stays
    assert 'd="M 22 ' not in stays
    assert diagram.to_mermaid().splitlines()[5:9] == [
        "    loop for ever",
        "    Note over p0: 2 two",
        "    Note over p0: 3 three",
        "    end",
    ]


def test_the_end_of_a_long_run() -> None:
    recorder = DiagramRecorder("long")
    for k in range(10):
        recorder.step(f"step {k}", "a")
        recorder.receive(recorder.send(f"m{k}", "a", "b"), "b")
    short = recorder.diagram().last(3)
    assert [r.call for r in short.rows] == ["step 7", "step 8", "step 9"]
    assert [(m.label, m.sent, m.ended) for m in short.messages] == [("m7", 1, 1), ("m8", 2, 2), ("m9", 3, 3)]
    assert short.notes == ("the first 7 of 10 rows are left out",)


def test_mermaid(golden: Callable[[str, str], None]) -> None:
    golden(
        "half_quorums.mmd",
        sequence(check(HalfQuorums(Acceptor=2, Value=2, Ballot=2), claims=["agreement"])).to_mermaid(),
    )


def test_mermaid_takes_no_word_for_a_mark_of_its_own() -> None:
    recorder = DiagramRecorder("x;y\nparticipant z", ["end"])
    recorder.step("a<b>; #1 %% end", "end")
    text = recorder.diagram(Ending("all\nover")).to_mermaid()
    assert text.splitlines() == [
        "sequenceDiagram",
        "    %% x;y participant z",
        "    participant p0 as e#110;d",
        "    Note over p0: 1 a#lt;b#gt;#59; #35;1 #37;#37; e#110;d",
        "    Note over p0: \u2717 all over",
    ]


def test_markup_in_names_stays_text() -> None:
    recorder = DiagramRecorder("<script>alert(1)</script>", ["<b>"])
    recorder.step("</svg>", "<b>")
    recorder.change("<b>", "a & b")
    svg = recorder.diagram().to_svg()
    assert "<script" not in svg
    assert ET.fromstring(svg) is not None


# --- files ---


@pytest.mark.parametrize("kind", ["svg", "mmd", "md", "html"])
def test_files(kind: str, tmp_path: Path) -> None:
    diagram = sequence(check(Lease(Client=2)))
    diagram.save(tmp_path / f"run.{kind}")
    text = (tmp_path / f"run.{kind}").read_text()
    expected = {
        "svg": "<svg ",
        "mmd": "sequenceDiagram\n",
        "md": "```mermaid\nsequenceDiagram\n",
        "html": "<!DOCTYPE html>",
    }
    assert text.startswith(expected[kind])
    assert list(tmp_path.iterdir()) == [tmp_path / f"run.{kind}"]


def test_a_kind_of_file_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(RatifiedError) as caught:
        sequence(check(Lease(Client=2))).save(tmp_path / "run.gif")
    assert (
        str(caught.value)
        == f"{tmp_path}/run.gif: .gif files cannot be written\n  end it with one of .svg, .html, .mmd, .md"
    )


# --- two states ---


def test_two_states_side_by_side() -> None:
    trace = check(Lease(Client=2)).violation
    assert trace is not None
    pair = induction_step("mutual_exclusion", trace.trace, "Lease")
    assert [(r.place, r.left, r.right, r.differs) for r in pair.rows] == [
        ("granted", "None", "c2", True),
        ("holds[c1]", "True", "True", False),
        ("holds[c2]", "False", "True", True),
    ]
    assert pair.between == "acquire(c=c2)"
    assert_inside(pair.to_svg())
    assert pair.to_mermaid().startswith('flowchart LR\n    before["before<br/>granted = None<br/>')


def test_states_that_are_alike() -> None:
    state = {"x": 1}
    assert [r.differs for r in side_by_side(state, dict(state), title="same").rows] == [False]


# --- notebooks ---


def test_a_result_is_its_picture() -> None:
    violated, fine = check(Lease(Client=2)), check(Lease(Client=1))
    assert "VIOLATED: Lease, 8 states" not in fine._repr_html_()
    assert "mutual_exclusion fails after 3 steps" in violated._repr_html_()
    assert "<svg" in violated._repr_html_()
    assert "<svg" in fine._repr_html_()
    assert isinstance(sequence(violated), SequenceDiagram)
    assert sequence(violated)._repr_svg_().startswith("<svg")
