"""The explorer without a browser: links, searches, what is said where something is wrong, and who may ask."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from ratified import ModelError, RatifiedError
from ratified.diagram.explorer.seek import seek
from ratified.diagram.explorer.server import BrowserServer, Explorer
from ratified.diagram.explorer.walk import NoSuchState, Walker
from ratified.models.raft.raft import Raft
from ratified.results.result import Limits
from tests.diagram.toys import Faulty, Grid, Lease, Pings


class Ask:
    """Asks a server."""

    def __init__(self, server: BrowserServer) -> None:
        self.server = server

    def raw(self, path: str, host: str | None = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        port = self.server.server_address[1]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", host or f"127.0.0.1:{port}")
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), body

    def __call__(self, question: str, **given: str) -> tuple[int, Any]:
        query = "&".join(f"{k}={quote(v)}" for k, v in given.items())
        status, _, body = self.raw(f"/api/{question}?{query}")
        return status, json.loads(body)


@pytest.fixture
def ask() -> Iterator[Ask]:
    with BrowserServer(Explorer(Lease(Client=2)), 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Ask(server)
        server.shutdown()
        thread.join()


# --- links ---


def test_a_link_leads_back_to_its_state() -> None:
    walker = Walker(Pings(Node=2))
    path: tuple[int, ...] = (0,)
    for k in range(6):
        options = [o for o in walker.options(walker.state(path)) if o.number is not None]
        number = options[k % len(options)].number
        assert number is not None
        path = (*path, number)
        assert walker.path(walker.link(path)) == path
        assert Walker(Pings(Node=2)).state(Walker(Pings(Node=2)).path(walker.link(path))) == walker.state(
            path
        )
    assert len(walker.trace(path).steps) == 6
    assert walker.path_along([tuple(s.values()) for s in walker.trace(path).states]) is not None


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("", "cut off"),
        ("???", "not made by this page"),
        ("AAAA", "cut off"),
        ("AAAAAA", "of another model"),
        ("A" * 9000, "cut off"),
        ("\u00e9", "not made by this page"),
        ("_____w", "cut off"),
    ],
)
def test_links_that_lead_nowhere(link: str, why: str) -> None:
    with pytest.raises(NoSuchState, match="this link leads to no state of the model") as caught:
        Walker(Lease(Client=2)).path(link)
    assert why in str(caught.value)


def test_a_link_of_another_size_or_model_is_told() -> None:
    link = Walker(Lease(Client=3)).link((0, 2, 0))
    with pytest.raises(NoSuchState):
        Walker(Lease(Client=2)).path(link)
    with pytest.raises(NoSuchState):
        Walker(Pings(Node=2)).path(Walker(Lease(Client=2)).link((0, 0)))


def test_a_step_without_an_answer_is_told_where_it_is() -> None:
    explorer = Explorer(Faulty())
    state = explorer.state("")
    while state["actions"]:
        state = explorer.state(state["actions"][0]["link"])
    assert state["steps"] == 2
    assert "division by zero" in state["problem"]
    assert not state["deadlock"]
    assert explorer.neighbourhood(state["link"])["svg"].startswith("<svg")
    with pytest.raises(RatifiedError, match="division by zero"):
        explorer.counterexample()
    with pytest.raises(RatifiedError, match="division by zero"):
        explorer.search("count == 5")


# --- searching ---


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("holders() == 2", 3),
        ("granted == c2 and holds[c1]", 3),
        ("granted is None and not any(holds[c] for c in Client)", 0),
    ],
)
def test_a_search_finds_a_nearest_state(text: str, steps: int) -> None:
    found = seek(Lease(Client=2), text, Limits())
    assert len(found.run) == steps + 1


def test_a_search_that_finds_nothing_says_whether_it_saw_all() -> None:
    assert seek(Lease(Client=2), "granted is not None and holders() == 0", Limits()).stopped is None
    limited = seek(
        Grid(Column=4, most=3), "total() == 9 and stage == LATE and height[c0] == 0", Limits(states=50)
    )
    assert (limited.run, limited.stopped) == ((), "the limit of 50 states")


def test_the_native_engine_looks_through_what_is_large() -> None:
    model = Raft(Server=2, Value=1, max_term=2, max_log=1, max_messages=2)
    found = seek(model, "any(role[i] == LEADER and commit_index[i] == 1 for i in Server)", Limits())
    assert len(found.run) - 1 == 15
    assert found.states > 2_000
    assert seek(model, "all(role[i] == LEADER for i in Server)", Limits()).states == 13_479
    walker = Walker(model)
    assert walker.state(walker.path_along(list(found.run))) == found.run[-1]


def test_a_condition_without_an_answer_is_told() -> None:
    with pytest.raises(ModelError, match="division by zero"):
        seek(Lease(Client=2), "1 // (1 - holders()) == 7", Limits())
    with pytest.raises(ModelError, match="division by zero"):
        seek(Grid(Column=7, most=3), "1 // (9 - total()) == 5", Limits())


# --- what the page asks ---


def test_a_state(ask: Ask) -> None:
    status, state = ask("state")
    assert status == 200
    assert state["tables"] == [
        {
            "columns": ["c1", "c2"],
            "rows": [{"name": "holds", "cells": [{"lines": ["False"], "changed": False}] * 2}],
        },
        {"columns": [], "rows": [{"name": "granted", "cells": [{"lines": ["-"], "changed": False}]}]},
    ]
    assert [(a["call"], a["changes"]) for a in state["actions"]] == [
        ("acquire(c=c1)", ["granted = c1", "holds[c1] = True"]),
        ("acquire(c=c2)", ["granted = c2", "holds[c2] = True"]),
    ]
    _, after = ask("state", state=state["actions"][1]["link"])
    assert after["steps"] == 1
    assert after["tables"][0]["rows"][0]["cells"] == [
        {"lines": ["False"], "changed": False},
        {"lines": ["True"], "changed": True},
    ]
    assert [r["call"] for r in after["run"]] == ["initial state", "acquire(c=c2)"]


def test_what_is_wrong_and_where_it_was_found(ask: Ask) -> None:
    status, answer = ask("counterexample")
    assert (status, answer["said"]) == (200, "mutual_exclusion fails")
    assert ask("counterexample") == (200, answer)
    _, state = ask("state", state=answer["found"])
    assert (state["steps"], state["wrong"]) == (3, ["mutual_exclusion is false"])
    _, near = ask("neighbourhood", state=answer["found"])
    assert near["svg"].startswith("<svg")
    assert answer["found"] in near["links"]
    _, run = ask("run", state=answer["found"])
    assert "expire()" in run["svg"]


def test_searching(ask: Ask) -> None:
    assert ask("search", q="holders() == 2")[1]["said"] == "nearest after 3 steps"
    assert ask("search", q="holders() == 3")[1] == {
        "found": None,
        "said": "none of all 8 states satisfies it",
        "complete": True,
    }
    status, answer = ask("search", q="open('/etc/passwd')")
    assert status == 422
    assert answer["error"].startswith("<expression>:1:1: `open` is not part of the modelling language")
    assert ask("search")[0] == 422


def test_a_link_that_leads_nowhere(ask: Ask) -> None:
    status, answer = ask("state", state="nowhere")
    assert (status, answer["error"].partition(":")[0]) == (404, "this link leads to no state of the model")
    assert ask.raw("/state/nowhere")[0] == 404
    assert ask.raw("/state/nowhere")[2].startswith(b"<!DOCTYPE html>")


# --- who may ask, and for what ---


@pytest.mark.parametrize("path", ["/", "/explorer.js", "/explorer.css", "/api/about"])
def test_pages(ask: Ask, path: str) -> None:
    status, headers, body = ask.raw(path)
    assert status == 200
    assert body
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "", "[::1]"])
def test_only_this_machine_by_its_own_name(ask: Ask, host: str) -> None:
    assert ask.raw("/api/state", host=host or " ")[0] == 421


def test_other_sites_may_not_ask(ask: Ask) -> None:
    assert ask.raw("/api/state", Sec_Fetch_Site="cross-site")[0] == 403
    assert ask.raw("/api/state", Sec_Fetch_Site="same-origin")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/explorer.js/../server.py",
        "/server.py",
        "/explorer.html",
        "/state/../../server.py",
        "//etc/passwd",
        "/api/",
        "/api/../server.py",
    ],
)
def test_no_path_is_a_files(ask: Ask, path: str) -> None:
    status, _, body = ask.raw(path)
    assert status == 404
    assert b"root:" not in body
    assert b"class Server" not in body


def test_it_listens_on_the_loopback_interface_alone(ask: Ask) -> None:
    assert ask.server.server_address[0] == "127.0.0.1"


def test_only_reading(ask: Ask) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", ask.server.server_address[1], timeout=60)
    connection.request("POST", "/api/state")
    assert connection.getresponse().status == 501


def test_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RatifiedError) as caught:
            BrowserServer(Explorer(Lease(Client=2)), port)
    assert str(caught.value) == (
        f"port {port} cannot be used: address already in use\n"
        "  choose another with --port, or --port 0 for any that is free"
    )
