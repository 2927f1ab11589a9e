"""The explorer's server: this machine only, one model, nothing but reading.

Guarantees: it listens on the loopback interface alone, and answers only what asks for it by that name (so that no other site
can reach it through the browser by a name of its own, DNS rebinding); no path is a file's; whatever goes wrong is an answer with
a message, and the server goes on.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ratified.diagram.explorer import views
from ratified.diagram.explorer.seek import seek
from ratified.diagram.explorer.walk import NoSuchState, Walker
from ratified.diagram.runs import sequence
from ratified.explore import check
from ratified.language.errors import RatifiedError
from ratified.language.model import Model
from ratified.results.result import Limits, Progress, Result

PORT = 8750
SECONDS = 120.0
"""How long a search or a check may take."""

_ASSETS = Path(__file__).resolve().parent
_PAGES = {"/explorer.js": ("explorer.js", "text/javascript"), "/explorer.css": ("explorer.css", "text/css")}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Explorer:
    """What is served: a model to walk, its counterexample, searches. Safe to be asked from several threads."""

    def __init__(self, model: Model, limits: Limits | None = None) -> None:
        self.model = model
        self.limits = limits or Limits(seconds=SECONDS)
        self._walker = Walker(model)
        self._walking = threading.RLock()  # a machine has one state at a time
        self._working = threading.Lock()  # one exploration at a time: each takes all cores
        self._checked: Result | None = None
        self._progress: Progress | None = None

    def about(self) -> dict[str, Any]:
        """The model."""
        with self._walking:
            return views.about(self._walker)

    def state(self, link: str) -> dict[str, Any]:
        """The state of a link. Raises NoSuchState."""
        with self._walking:
            return views.state_page(self._walker, self._path(link))

    def neighbourhood(self, link: str) -> dict[str, Any]:
        """What lies around it, drawn. Raises NoSuchState."""
        with self._walking:
            return views.neighbourhood(self._walker, self._path(link))

    def run(self, link: str) -> dict[str, Any]:
        """The run to it as a sequence diagram. Raises NoSuchState."""
        with self._walking:
            return {"svg": sequence(self._walker.trace(self._path(link)), self.model).to_svg()}

    def _path(self, link: str) -> tuple[int, ...]:
        return self._walker.path(link) if link else (0,)

    def counterexample(self) -> dict[str, Any]:
        """A shortest run to what is violated, if anything is; found out once."""
        with self._working:
            if self._checked is None:
                try:
                    found = check(self.model, limits=self.limits, progress=self._report)
                finally:
                    self._progress = None
                if found.stopped is None or found.violation is not None:
                    self._checked = found
            else:
                found = self._checked
        if found.violation is None:
            so_far = f"{found.distinct:,} states"
            said = (
                f"no claim is violated in all {so_far}"
                if found.stopped is None
                else f"no claim is violated in {so_far}: {found.stopped}"
            )
            return {"found": None, "said": said, "complete": found.stopped is None}
        with self._walking:
            states = [tuple(s.values()) for s in found.violation.trace.states]
            link = self._walker.link(self._walker.path_along(states))
        violated = found.violation
        detail = f": {violated.detail}" if violated.detail else ""
        again = (
            ""
            if violated.trace.loop is None
            else f"; from its last state it goes on as from step {violated.trace.loop}, for ever"
        )
        return {"found": link, "said": f"{violated.name} fails{detail}{again}", "complete": True}

    def search(self, text: str) -> dict[str, Any]:
        """A nearest state that satisfies a condition. Raises ModelError if the text is none."""
        with self._working:
            try:
                sought = seek(self.model, text, self.limits, self._report)
            finally:
                self._progress = None
        if not sought.run:
            among = f"{sought.states:,} states"
            said = (
                f"none of all {among} satisfies it"
                if sought.stopped is None
                else f"not found in {among}: {sought.stopped}"
            )
            return {"found": None, "said": said, "complete": sought.stopped is None}
        with self._walking:
            link = self._walker.link(self._walker.path_along(list(sought.run)))
        steps = len(sought.run) - 1
        return {
            "found": link,
            "said": f"nearest after {steps} step{'' if steps == 1 else 's'}",
            "complete": True,
        }

    def progress(self) -> dict[str, Any]:
        """How far a search or check has come."""
        seen = self._progress
        return {"states": seen.distinct if seen else None, "levels": seen.depth if seen else None}

    def _report(self, progress: Progress) -> None:
        self._progress = progress


class BrowserServer(ThreadingHTTPServer):
    """Serves one explorer."""

    daemon_threads = True
    allow_reuse_address = False

    def __init__(self, explorer: Explorer, port: int = PORT) -> None:
        """Raises RatifiedError if the port cannot be had; port 0 is any that is free."""
        self.explorer = explorer
        try:
            super().__init__(("127.0.0.1", port), _RequestHandler)
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise RatifiedError(
                f"port {port} cannot be used: {why.lower()}",
                remedy="choose another with --port, or --port 0 for any that is free",
            ) from None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}/"

    @property
    def hosts(self) -> set[str]:
        """The names by which it may be asked."""
        port = self.server_address[1]
        return {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}


class _RequestHandler(BaseHTTPRequestHandler):
    server: BrowserServer
    server_version = "ratified"
    sys_version = ""
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        if self.headers.get("Host", "") not in self.server.hosts:
            self._send(
                HTTPStatus.MISDIRECTED_REQUEST,
                "text/plain",
                b"this is for the browser on this machine alone\n",
            )
            return
        if self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            self._send(HTTPStatus.FORBIDDEN, "text/plain", b"other sites may not ask\n")
            return
        url = urlsplit(self.path)
        if url.path.startswith("/api/"):
            self._api(url.path[len("/api/") :], parse_qs(url.query))
        elif url.path in _PAGES:
            name, kind = _PAGES[url.path]
            self._send(HTTPStatus.OK, kind, (_ASSETS / name).read_bytes())
        elif url.path == "/" or url.path.startswith("/state/"):
            self._page(unquote(url.path[len("/state/") :]))
        else:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"there is no such page\n")

    def _page(self, link: str) -> None:
        """The page, which asks for the state that its address names; a link that leads nowhere is not found."""
        status = HTTPStatus.OK
        try:
            self.server.explorer._path(link)
        except NoSuchState:
            status = HTTPStatus.NOT_FOUND
        except RatifiedError:
            pass  # the page says what is wrong with the model
        self._send(status, "text/html", (_ASSETS / "explorer.html").read_bytes())

    def _api(self, name: str, query: dict[str, list[str]]) -> None:
        explorer = self.server.explorer
        link, text = (query.get(key, [""])[0] for key in ("state", "q"))
        answers: dict[str, Callable[[], dict[str, Any]]] = {
            "about": explorer.about,
            "state": lambda: explorer.state(link),
            "neighbourhood": lambda: explorer.neighbourhood(link),
            "run": lambda: explorer.run(link),
            "counterexample": explorer.counterexample,
            "search": lambda: explorer.search(text),
            "progress": explorer.progress,
        }
        if name not in answers:
            self._json(HTTPStatus.NOT_FOUND, {"error": "there is no such question"})
            return
        try:
            answer = answers[name]()
        except NoSuchState as problem:
            self._json(HTTPStatus.NOT_FOUND, {"error": str(problem)})
        except RatifiedError as problem:
            self._json(HTTPStatus.UNPROCESSABLE_ENTITY, {"error": str(problem)})
        except Exception as problem:  # noqa: BLE001 - the page is told, and the server goes on
            self.log_error("%r", problem)
            self._json(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                {"error": f"this is a bug in Ratified: {type(problem).__name__}: {problem}"},
            )
        else:
            self._json(HTTPStatus.OK, answer)

    def _json(self, status: HTTPStatus, value: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(value).encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Content-Security-Policy", _POLICY)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the page was closed meanwhile

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class has it
        """Say nothing of each request."""
