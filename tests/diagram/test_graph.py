"""State graphs: what is a node, an edge and a mark; projections, folding, parts, refusals; both engines alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import pytest

from ratified import Model, ModelError, Range, RatifiedError, action, graph
from ratified.bundled import models as bundled
from ratified.cli.loading import load
from ratified.diagram import build, space
from ratified.diagram.graph import StateGraph
from ratified.diagram.size import GraphTooLarge, too_large
from ratified.diagram.views import view_of
from ratified.explore import EvaluationError
from ratified.explore.native.driver import RunOptions
from ratified.language.ir import Kind
from ratified.models.commit.transaction_commit import TransactionCommit
from ratified.models.paxos.broken import HalfQuorums
from ratified.models.paxos.paxos import Paxos
from ratified.results.result import Limits
from tests.diagram.toys import Faulty, Grid, Lease, Pings


def test_every_state_of_a_small_model_is_a_node() -> None:
    g = graph(Lease(Client=2))
    assert (g.states, g.steps, g.depth, len(g.nodes), len(g.edges)) == (8, 22, 5, 8, 22)
    assert g.nodes[0].lines == ("granted = None", "holds = False everywhere")
    assert g.nodes[1].lines == ("granted = c1", "holds[c1] = True")
    assert [n.level for n in g.nodes] == [0, 1, 1, 2, 2, 3, 3, 4]
    assert [n.number for n in g.nodes if n.violated] == [5, 6, 7]
    assert g.nodes[7].violated == {"mutual_exclusion": 1}
    assert [n.number for n in g.nodes if n.initial] == [0]
    path = [(e.source, e.target) for e in g.edges if e.on_path]
    assert len(path) == 3
    assert path[0][0] == 0


def test_a_nodes_lines_are_what_the_step_from_its_parent_changed() -> None:
    g = graph(Lease(Client=2))
    for edge in (e for e in g.edges if e.tree):
        before, after = g.nodes[edge.source].example, g.nodes[edge.target].example
        changed = {name for name in after if before[name] != after[name]}
        assert {line.partition(" ")[0].partition("[")[0] for line in g.nodes[edge.target].lines} == changed
        assert g.nodes[edge.target].parent == edge.source
    assert sum(e.tree for e in g.edges) == len(g.nodes) - 1


def test_deadlocks_are_marked() -> None:
    g = graph(TransactionCommit(ResourceManager=2))
    assert [dict(n.example) for n in g.nodes if n.deadlocked] == [
        dict(n.example) for n in g.nodes if not any(e.source == n.number for e in g.edges)
    ]
    assert sum(n.deadlocked for n in g.nodes) == 2


def test_a_step_out_of_the_constraints_is_no_deadlock() -> None:
    g = graph(Grid(Column=3, most=3), view="totals")
    (last,) = (n for n in g.nodes if n.view == {"totals": g.nodes[-1].view["totals"]})  # type: ignore[index]  # a view
    assert last.deadlocked == 1  # the state that is full everywhere
    assert graph(Grid(Column=4, most=3), view="totals").nodes[-1].deadlocked == 0
    assert graph(Grid(Column=4, most=3)).left_out > 0


def test_a_projection_merges_states_and_counts_them() -> None:
    whole, g = graph(Lease(Client=2)), graph(Lease(Client=2), view="holders")
    assert [(n.lines, n.states, n.level) for n in g.nodes] == [(("0",), 1, 0), (("1",), 4, 1), (("2",), 3, 3)]
    assert sum(e.steps for e in g.edges) == whole.steps
    edges = {(e.source, e.target, e.action): (e.steps, e.sources, e.partial) for e in g.edges}
    assert edges[0, 1, "acquire"] == (2, 1, False)
    assert edges[1, 2, "acquire"] == (2, 2, True)
    assert edges[2, 1, "release"] == (6, 3, False)
    assert edges[1, 1, "expire"] == (2, 2, True)
    assert g.nodes[2].violated == {"mutual_exclusion": 3}
    assert all(e.source != e.target for e in g.drawn_edges)
    assert len(graph(Lease(Client=2), view="holders", loops=True).drawn_edges) == len(g.edges)


@pytest.mark.parametrize(
    ("view", "nodes"),
    [("granted", 3), ("holds", 4), ("granted, holders()", 7), ("self.holds[c1]", 2), ("state", 8)],
)
def test_views_are_named_or_written(view: str, nodes: int) -> None:
    assert len(graph(Lease(Client=2), view=view).nodes) == nodes


class Phased(Model):
    """A model with a variable called state."""

    state: bool
    count: Annotated[int, Range(0, 2)]

    @action
    def flip(self) -> None:
        self.state, self.count = not self.state, min(2, self.count + 1)


@pytest.mark.parametrize(("view", "nodes"), [("state", 2), ("self", 4)])
def test_a_variable_that_is_called_like_a_word_is_the_variable(view: str, nodes: int) -> None:
    assert len(graph(Phased(), view=view).nodes) == nodes


def test_variables_answer_to_their_last_word() -> None:
    assert len(graph(Paxos(Acceptor=3, Value=2, Ballot=2), view="ballot").nodes) == 27


def test_folding() -> None:
    g = graph(Lease(Client=3), fold=True)
    assert (g.states, g.folded) == (7, ("Client",))
    assert graph(Lease(Client=3), view="holds", fold=True).nodes[1].lines == (
        "c1: False",
        "c2: False",
        "c3: True",
    )
    assert len(graph(Lease(Client=3), view="holds", fold=True).nodes) == 4
    assert len(graph(Lease(Client=3), view="holds").nodes) == 8
    whole, folded = (graph(Paxos(Acceptor=3, Value=2, Ballot=2), fold=f) for f in (False, True))
    assert (whole.states, folded.states, len(whole.nodes), len(folded.nodes)) == (3_921, 443, 45, 27)


def test_folding_by_one_of_several_values_is_refused() -> None:
    with pytest.raises(RatifiedError, match="names c1, and folding makes interchangeable values one"):
        graph(Lease(Client=2), view="holds[c1]", fold=True)
    with pytest.raises(RatifiedError, match="names c2, and folding"):
        graph(Lease(Client=2), focus="granted == c2", fold=True)


@pytest.mark.parametrize(
    ("focus", "radius", "nodes"),
    [
        ("holders() == 2", 0, 3),
        ("holders() == 2", 1, 7),
        ("holders() == 2", 2, 8),
        ("expire", 5, 7),
        ("counterexample", 0, 4),
        ("granted is not None and holders() == 0", 1, 0),
    ],
)
def test_parts(focus: str, radius: int, nodes: int) -> None:
    if nodes:
        g = graph(Lease(Client=2), focus=focus, radius=radius)
        assert len(g.nodes) == nodes
        assert all(e.source < nodes and e.target < nodes for e in g.edges)
    else:
        with pytest.raises(RatifiedError, match="none satisfies"):
            graph(Lease(Client=2), focus=focus, radius=radius)


def test_a_counterexample_is_found_again_in_a_folded_graph() -> None:
    g = graph(
        HalfQuorums(Acceptor=2, Value=2, Ballot=2), focus="counterexample", radius=0, fold=True, view="state"
    )
    assert len(g.nodes) == 9
    assert [e.action for e in g.edges if e.on_path] == [
        *("prepare", "promise", "propose", "accept"),
        *("prepare", "promise", "propose", "accept"),
    ]


def test_no_counterexample_where_nothing_is_violated() -> None:
    with pytest.raises(RatifiedError, match="no claim of Pings is violated"):
        graph(Pings(Node=2), focus="counterexample")


@pytest.mark.parametrize("view", ["totals", "full", "stage", "total() % 3, full()", "height"])
def test_both_engines_draw_the_same(view: str) -> None:
    model = Grid(Column=6, most=3)
    made = [graph(model, view=view, engine=engine) for engine in ("reference", "native")]
    first, second = (normal(g) for g in made)
    assert made[0].states == made[1].states > 1_000
    assert first == second


def normal(g: StateGraph) -> StateGraph:
    """A graph without what depends on how states of one level are numbered: which is the example, and the run shown."""
    nodes = tuple(replace(n, number=0, example={}, parent=None) for n in g.nodes)
    by = {n.number: (n.lines, n.level) for n in g.nodes}
    edges = tuple(sorted((*by[e.source], *by[e.target], e.action, e.steps, e.sources) for e in g.edges))
    ordered: Any = tuple(sorted(nodes, key=lambda n: (n.level, n.lines)))
    return replace(g, nodes=ordered, edges=edges)  # type: ignore[arg-type]  # to be compared only


def test_compiled_questions_are_answered_as_the_language_answers_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = Grid(Column=6, most=3)
    compiled = graph(model, view="total() % 3, full()", engine="native")
    assert any(n.violated for n in compiled.nodes)
    monkeypatch.setattr(space.PackedStates, "ask", lambda *_: None)
    monkeypatch.setattr(space.PackedStates, "refuted", lambda *_: None)
    assert graph(model, view="total() % 3, full()", engine="native") == compiled


def test_a_question_without_an_answer_in_some_state_is_told() -> None:
    for engine in ("reference", "native"):
        with pytest.raises(ModelError, match="division by zero"):
            graph(Grid(Column=6, most=3), view="100 // (total() - 4)", engine=engine)


def test_what_is_too_large_is_refused_with_what_would_help() -> None:
    with pytest.raises(GraphTooLarge) as caught:
        graph(Grid(Column=4, most=3), view="state", most=30)
    assert str(caught.value) == (
        "a picture of Grid with 477 nodes is too large to read (at most 30 nodes are drawn)\n"
        "  these views are readable:\n"
        "    --view totals  18 nodes\n"
        "    --view full  15 nodes\n"
        "    --view stage  2 nodes\n"
        "  or draw a part (--focus), fold symmetric states (--fold), or allow more with --most"
    )
    unlimited = graph(Grid(Column=4, most=3), view="state")
    with pytest.raises(GraphTooLarge, match="477 nodes"):
        unlimited.to_dot()
    assert unlimited._repr_svg_() is None
    assert "--view totals" in (unlimited._repr_html_() or "")
    assert len(unlimited.to_dict()["nodes"]) == 477


def test_views_that_would_help_are_not_looked_for_when_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counted(_: space.Space, name: str, __: int) -> list[tuple[str, int]]:
        asked.append(name)
        return [(name, 1)]

    monkeypatch.setattr(build, "_counted", counted)
    seen = space.explore(Grid(Column=4, most=3))
    times = iter([False, False, True])
    assert build.views_that_help(seen, 30, None, lambda: next(times)) is None
    assert asked == ["totals", "full"]
    refused = too_large("Grid", "477 nodes", 30, None)
    assert str(refused) == (
        "a picture of Grid with 477 nodes is too large to read (at most 30 nodes are drawn)\n"
        "  the time limit left no time to look for readable views (--view):\n"
        "  draw a part (--focus), fold symmetric states (--fold), or allow more with --most"
    )


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_a_view_that_tells_too_much_apart_is_known_by_the_first_states(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = space.explore(Grid(Column=4, most=3), engine=engine)
    view = view_of(seen.model, "totals")
    assert not seen.exceeds(view.query, 18)
    monkeypatch.setattr(space.Space, "_answers", lambda *_: pytest.fail("all states are asked about"))
    assert seen.exceeds(view.query, 17)
    assert build.views_that_help(seen, 1, None, lambda: False) == ()
    assert str(too_large("Grid", "477 nodes", 1, ())).splitlines()[1] == "  no view of it is readable:"


def test_a_compiled_search_leaves_most_of_the_time_to_what_comes_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[float | None] = []
    made = RunOptions

    def noted(limits: Limits) -> object:
        given.append(limits.seconds)
        return made(limits=limits)

    monkeypatch.setattr(space, "RunOptions", noted)
    whole = [graph(Grid(Column=4, most=3), engine="native", limits=Limits(seconds=s)) for s in (4000, None)]
    assert [g.stopped for g in whole] == [None, None]
    assert given[1] is None
    assert given[0] is not None
    assert 0 < given[0] <= 1000


def test_where_there_are_many_states_the_first_view_is_drawn() -> None:
    assert graph(Grid(Column=4, most=3)).view == "totals"
    assert graph(Grid(Column=2, most=3)).view == ""


def test_a_part_of_what_is_reachable_says_so() -> None:
    g = graph(Grid(Column=4, most=3), limits=Limits(depth=3))
    assert g.stopped == "the depth limit of 3 levels"
    assert "NOT ALL OF IT: the depth limit of 3 levels" in g.caption


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"view": "nothing"}, "Lease has no view 'nothing', and it names no variables"),
        ({"view": "holds["}, "this is not an expression"),
        ({"view": "holders"}, ""),
        ({"focus": "leave"}, "Lease has no action 'leave', and it is no condition on its states"),
        ({"focus": "holds"}, "a condition must be a bool"),
        ({"engine": "steam"}, "there is no engine 'steam'"),
    ],
)
def test_what_does_not_exist(given: dict[str, Any], message: str) -> None:
    def draw() -> Callable[[], None]:
        graph(Lease(Client=2), **given)
        return lambda: None

    if not message:
        draw()
        return
    with pytest.raises(RatifiedError) as caught:
        draw()
    assert message in str(caught.value)


def test_a_model_that_has_no_answer_somewhere() -> None:
    with pytest.raises(EvaluationError, match="division by zero") as caught:
        graph(Faulty())
    assert caught.value.trace is not None
    assert [s.state["count"] for s in caught.value.trace.steps] == [1, 2]


def test_a_graph_is_the_same_on_every_run() -> None:
    assert graph(Paxos(Acceptor=3, Value=2, Ballot=2)) == graph(Paxos(Acceptor=3, Value=2, Ballot=2))


@pytest.mark.parametrize("name", list(bundled))
def test_every_bundled_model_has_a_view(name: str) -> None:
    views = load(name).module.of_kind(Kind.VIEW)
    assert views
    assert all(view.doc for view in views)
