"""Health, status and metrics of a node over HTTP, for those who watch it.

    GET /health     200 if it takes part and knows a leader, 503 if not
    GET /status     what it knows of itself, as JSON
    GET /metrics    the same numbers for Prometheus

Guarantees: it is read only; it stands in threads of its own, so that a slow reader holds nobody up.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ratified.impl.runtime.errors import InUse
from ratified.impl.runtime.links import parsed
from ratified.impl.services.extras import missing

try:
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
    from prometheus_client.registry import Collector
except ModuleNotFoundError as error:
    raise missing("prometheus_client", "prometheus-client", "serve", error) from None

Report = Callable[[], Mapping[str, Any]]

GAUGES = {
    "term": "The term, or round, that the node is in.",
    "committed": "The index up to which the log is known to be committed.",
    "applied": "The index up to which it is executed.",
    "disk": "Bytes of the database on the disk.",
    "waiting": "Requests that wait for their answers.",
    "unwritten": "Steps whose writes are not on the disk yet.",
}
COUNTERS = {"lost": "Messages to peers that could not be sent.", "starts": "How often the node was started."}


class NodeCollector(Collector):
    """The report of a node as metrics: `ratified_term` and so on, `ratified_leads`, `ratified_connected`."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def collect(self) -> Iterator[Metric]:
        """Yield them."""
        report = self._report()
        for name, help_ in GAUGES.items():
            yield GaugeMetricFamily(f"ratified_{name}", help_, value=report[name])
        for name, help_ in COUNTERS.items():
            yield CounterMetricFamily(f"ratified_{name}", help_, value=report[name])
        leads = report["leader"] == report["node"]
        yield GaugeMetricFamily("ratified_leads", "1 while the node leads, as far as it knows.", value=leads)
        yield GaugeMetricFamily(
            "ratified_connected", "Peers that the node is connected to.", value=len(report["connected"])
        )


class _Server(ThreadingHTTPServer):
    """Says nothing of connections that end badly, as those of strangers do."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing."""


class Observing:
    """A server that runs until it is closed. Raises InUse."""

    def __init__(self, address: str, report: Report, tls: ssl.SSLContext | None = None) -> None:
        registry = CollectorRegistry()
        registry.register(NodeCollector(report))

        class Handler(BaseHTTPRequestHandler):
            timeout = 10
            server_version = "ratified"
            sys_version = ""

            def do_GET(self) -> None:
                known = report()
                match self.path.partition("?")[0]:
                    case "/health":
                        well = bool(known["role"]) and known["leader"] is not None
                        what = "ok" if well else "no leader is known" if known["role"] else "not there"
                        self._say(200 if well else 503, "text/plain", f"{what}\n".encode())
                    case "/status":
                        self._say(200, "application/json", json.dumps(known).encode() + b"\n")
                    case "/metrics":
                        self._say(200, "text/plain; version=0.0.4; charset=utf-8", generate_latest(registry))
                    case _:
                        self._say(404, "text/plain", b"there are /health, /status and /metrics\n")

            def _say(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class has it
                """Say nothing."""

        host, port = parsed(address)
        try:
            self._server = _Server((host, port), Handler)
        except OSError as error:
            raise InUse(
                f"nothing can listen at {address}: {error.strerror}; give another `http` address, or stop what is using it"
            ) from None
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="http", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
