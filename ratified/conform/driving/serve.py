"""A model as a service for tools, on standard input and output: step, enabled, why not, undo, evaluate. docs/drive-protocol.md.

Guarantees: each line that is asked is answered by one line with the same number, whatever it is; what cannot be answered is
`{"error": ...}`, and the service goes on, in the state that it was in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ratified.conform.driving.export import any_method, every_argument, state_written
from ratified.conform.driving.graph import BEGIN, ROOT, Ask, ModelGraph
from ratified.conform.driving.process import VERSION
from ratified.follow.strict import once
from ratified.interchange.plain import NotOfType, written
from ratified.language.errors import RatifiedError, Span
from ratified.language.ir import Kind
from ratified.language.model import Model
from ratified.language.query import Answers, expressions

QUESTIONS = ("hello", "reset", "step", "enabled", "why_not", "undo", "evaluate", "claims", "bye")


class Unanswerable(Exception):
    """A request that makes no sense; what it says is the answer."""


class Service:
    """A model that is walked by somebody else. `path` are the states that were come to, the one that it is in last."""

    def __init__(self, model: Model) -> None:
        self._graph = ModelGraph(model, any_method(model), every_argument(model), 1 << 62)
        self._module = model.module
        self._model = model
        self._path: list[int] = []

    def answered(self, lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
        """Answer requests, line by line, until bye."""
        for line in lines:
            if not line.strip():
                continue
            number: object = None
            try:
                request = self._request(line)
                number = request.get("id")
                answer = self._answer(request)
            except (Unanswerable, NotOfType, LookupError) as problem:
                answer = {"error": str(problem.args[0])}
            except RatifiedError as problem:
                answer = {"error": str(problem)}
            yield {"id": number, **answer}
            if "bye" in answer:
                return

    def _request(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line.decode("utf-8"), object_pairs_hook=once)
        except (ValueError, RecursionError) as error:
            raise Unanswerable(f"the line is not JSON: {error}") from None
        if not isinstance(request, dict):
            raise Unanswerable("the line is not an object")
        return request

    def _answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        asked = [q for q in QUESTIONS if q in request]
        unknown = [name for name in request if name not in (*QUESTIONS, "id", "arguments")]
        if len(asked) != 1 or unknown:
            raise Unanswerable(f"a request has one of {', '.join(QUESTIONS)}, perhaps arguments, and an id")
        question = asked[0]
        arguments = request.get("arguments", {})
        if not isinstance(arguments, dict):
            raise Unanswerable("arguments are an object")
        match question:
            case "hello":
                return {"hello": self._hello()}
            case "bye":
                return {"bye": {}}
            case "reset":
                return self._reset(request["reset"])
        if not self._path:
            raise Unanswerable("there is no state yet: start with reset")
        match question:
            case "step":
                return self._step(self._ask(request["step"], arguments))
            case "enabled":
                asks = self._graph.asks(self._path[-1])
                return {"enabled": [{"do": a.action, "arguments": self._graph.written(a)} for a in asks]}
            case "why_not":
                return {"why_not": self._why_not(self._ask(request["why_not"], arguments))}
            case "undo":
                if len(self._path) == 1:
                    raise Unanswerable("there is no step to undo")
                self._path.pop()
                return self._state()
            case "evaluate":
                return {"value": self._evaluate(request["evaluate"])}
        return {"claims": self._claims()}

    def _hello(self) -> dict[str, Any]:
        module = self._module
        return {
            "protocol": VERSION,
            "model": module.name,
            "actions": {f.name: [a.name for a in f.arguments] for f in module.of_kind(Kind.ACTION)},
            "variables": {d.name: str(d.type) for d in module.variables},
            "claims": [f.name for f in module.of_kind(Kind.INVARIANT)],
        }

    def _reset(self, arguments: object) -> dict[str, Any]:
        if not isinstance(arguments, dict):
            raise Unanswerable("reset has an object, the arguments of init")
        ask = self._graph.read(BEGIN, arguments)
        targets = {
            edge.target
            for edge in self._graph.edges(ROOT)
            if all(edge.arguments[n] == v for n, v in self._places(ask))
        }
        if not targets:
            raise Unanswerable("the model has no such initial state")
        if len(targets) > 1:
            names = ", ".join(every_argument(self._model))
            raise Unanswerable(f"there are {len(targets)} initial states: give {names}")
        self._path = [targets.pop()]
        return self._state()

    def _places(self, ask: Ask) -> list[tuple[int, Any]]:
        names = every_argument(self._model)
        return [(names.index(n), v) for n, v in zip(ask.names or names, ask.arguments, strict=True)]

    def _ask(self, action: object, arguments: Mapping[str, Any]) -> Ask:
        ask = self._graph.read(action if isinstance(action, str) else "", arguments)
        if ask.names is not None:
            lacking = [n for n in self._graph.names(ask.action) if n not in arguments]
            raise Unanswerable(f"{ask.action} has no {lacking[0]!r}")
        return ask

    def _step(self, ask: Ask) -> dict[str, Any]:
        graph, state = self._graph, self._path[-1]
        places = graph.asks(state).get(ask)
        if places is None:
            if graph.is_beyond(state, ask):
                return {"impossible": "it would exceed a bound or a constraint of the model"}
            return {"impossible": self._why_not(ask)}
        self._path.append(graph.edges(state)[places[0]].target)
        return self._state()

    def _state(self) -> dict[str, Any]:
        return {"state": state_written(self._graph, self._path[-1])}

    def _why_not(self, ask: Ask) -> dict[str, Any] | None:
        """The guard that is false; None if it is possible."""
        state = self._graph.states[self._path[-1]]
        span = self._graph.machine.why_not(state, ask.action, ask.arguments)
        return None if span is None else _place(span)

    def _evaluate(self, text: object) -> Any:
        if not isinstance(text, str):
            raise Unanswerable("evaluate takes a text")
        query = expressions(self._model, text)
        values = Answers(self._model, query)(self._graph.states[self._path[-1]])
        made = [written(expr.type, value) for (_, expr), value in zip(query.parts, values, strict=True)]
        return made[0] if len(made) == 1 else made

    def _claims(self) -> dict[str, bool]:
        state, machine = self._graph.states[self._path[-1]], self._graph.machine
        return {
            f.name: machine.refuted_by(f.name, state) is None for f in self._module.of_kind(Kind.INVARIANT)
        }


def _place(span: Span) -> dict[str, Any]:
    return {"at": str(span), "excerpt": span.excerpt()}
