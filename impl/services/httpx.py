"""A transport for httpx: requests to one service go to its endpoints, by a client over the policies.

    transport = BalancedTransport(["10.0.0.1:80", Endpoint("10.0.0.2:80", weight=3)], balancer=SmoothWeighted())
    async with httpx.AsyncClient(mounts={"http://orders": transport}) as http:
        await http.get("http://orders/7")

An endpoint's name is `host:port`, or a URL of which scheme, host and port count. The Host header stays the service's, and so does
the name that a certificate has to be for.

Guarantees: what may have been executed is sent again only if its method is idempotent (RFC 9110, section 9.2.2), or it has an
`Idempotency-Key` or another header that `repeatable` names (that of a session, say), or its extension "idempotent" says so;
`Retry-After` is obeyed; the deadline is the longest that httpx's timeouts give, or the extension "deadline_ms", and is passed on
in a header. What cannot be sent twice, a body that is read from elsewhere, is not.

Known limits: an answer is read whole before it counts, unless `buffer` is False: then what fails while it
is read is the caller's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from email.utils import parsedate_to_datetime
from typing import Any

from ratified.impl.services.client import CallError, Client, RequestError
from ratified.impl.services.endpoints import Endpoint, EndpointError, NoEndpointError, ServiceError
from ratified.impl.services.extras import missing
from ratified.impl.services.retry import Failure

try:
    import httpx
except ModuleNotFoundError as error:
    raise missing("httpx", "httpx", "http", error) from None

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""The methods that take effect once however often they are sent (RFC 9110, section 9.2.2)."""

STATUSES = {
    408: Failure.UNAVAILABLE,
    421: Failure.NOT_SENT,  # RFC 9110, section 15.5.20: it went to the wrong server
    425: Failure.NOT_SENT,  # RFC 8470, section 5.2: it was not processed
    429: Failure.OVERLOADED,  # RFC 6585, section 4
    502: Failure.UNAVAILABLE,
    503: Failure.UNAVAILABLE,  # a proxy says so too, of what may have been executed behind it
    504: Failure.TIMED_OUT,
}
"""Answers after which another attempt may do better. Others from 500 on tell against the endpoint, and are the caller's."""

DEADLINE_HEADER = "X-Request-Timeout-Ms"
"""How long the server has, in milliseconds. There is no standard name."""


class _StatusError(CallError):
    """An answer that tells of a failure. If there is no other attempt, the caller gets it as it is."""

    def __init__(self, response: httpx.Response, failure: Failure, pushback: str | None, final: str) -> None:
        said = f"{response.status_code} {response.reason_phrase}"
        super().__init__(failure, said, pushback, final=final, blames=True)
        self.response = response


class BalancedTransport(httpx.AsyncBaseTransport):
    """Sends requests to the endpoints of a service; the further arguments are those of Client.

    `transport` is what speaks to an endpoint: httpx's own, by default without retries, which are made here. `idempotent` decides
    for methods: `frozenset({"GET"})` where a service's PUT is none. `wall_s` is the time of day, for dates in `Retry-After`.
    """

    def __init__(
        self,
        endpoints: Iterable[Endpoint | str],
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        idempotent: Collection[str] = IDEMPOTENT,
        repeatable: Collection[str] = ("Idempotency-Key",),
        deadline_header: str | None = DEADLINE_HEADER,
        buffer: bool = True,
        key: Callable[[httpx.Request], bytes] = lambda request: request.url.raw_path,
        wall_s: Callable[[], float] = time.time,
        **policies: Any,
    ) -> None:
        self._inner = transport or httpx.AsyncHTTPTransport()
        self._idempotent = frozenset(method.upper() for method in idempotent)
        self._repeatable = tuple(repeatable)
        self._deadline_header = deadline_header
        self._buffer = buffer
        self._key = key
        self._wall_s = wall_s
        self.client: Client[httpx.Request, httpx.Response] = Client(self._send, **policies)
        self.update(endpoints)

    def update(self, endpoints: Iterable[Endpoint | str]) -> None:
        """Have these endpoints from now on. Raises EndpointError; all is then as before."""
        new = [Endpoint(e) if isinstance(e, str) else e for e in endpoints]
        for endpoint in new:
            address(endpoint)
        self.client.update(new)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises what httpx raises; a note says why it was not tried again."""
        try:
            return await self.client.request(
                request,
                key=self._key(request),
                idempotent=self.may_be_repeated(request),
                deadline_ms=_deadline_ms(request),
            )
        except NoEndpointError as error:
            raise httpx.ConnectError(str(error), request=request) from None
        except RequestError as error:
            failed = error
        cause = failed.__cause__
        if isinstance(cause, _StatusError):
            return cause.response
        raise _told(cause, failed, request)  # here, so that it keeps its own cause

    def may_be_repeated(self, request: httpx.Request) -> bool:
        """Whether a request may be executed twice, and its body can be sent twice."""
        if not isinstance(request.stream, httpx.ByteStream):
            return False
        said = request.extensions.get("idempotent")
        if said is not None:
            return bool(said)
        return request.method in self._idempotent or any(request.headers.get(h) for h in self._repeatable)

    async def aclose(self) -> None:
        """Close connections."""
        await self._inner.aclose()

    async def _send(
        self, endpoint: Endpoint, request: httpx.Request, timeout_ms: int | None
    ) -> httpx.Response:
        once = "" if isinstance(request.stream, httpx.ByteStream) else "its body can be sent only once"
        try:
            response = await self._inner.handle_async_request(self._addressed(endpoint, request, timeout_ms))
            failure = STATUSES.get(response.status_code)
            if failure is None and response.status_code >= 500:
                failure = Failure.FATAL
            if failure is not None or self._buffer:
                await _read(response)
        except httpx.TransportError as error:
            failure = failure_of(error)
            final = once if failure is not Failure.NOT_SENT else ""
            blames = (
                False if isinstance(error, httpx.PoolTimeout) else None
            )  # all connections are in use: our own
            raise CallError(failure, _said(error), final=final, blames=blames) from error
        if failure is not None:
            raise _StatusError(response, failure, self.pushback(response), once)
        return response

    def _addressed(self, endpoint: Endpoint, request: httpx.Request, timeout_ms: int | None) -> httpx.Request:
        """The request as it goes to an endpoint."""
        scheme, host, port = address(endpoint)
        url = request.url.copy_with(scheme=scheme or request.url.scheme, host=host, port=port)
        headers = request.headers.copy()
        headers.setdefault("Host", request.url.netloc.decode("ascii"))
        if self._deadline_header is not None and timeout_ms is not None:
            headers[self._deadline_header] = str(timeout_ms)
        extensions = {"sni_hostname": request.url.host, **request.extensions}
        return httpx.Request(
            request.method, url, headers=headers, stream=request.stream, extensions=extensions
        )

    def pushback(self, response: httpx.Response) -> str | None:
        """What `Retry-After` says, in milliseconds (RFC 9110, section 10.2.3: seconds, or a date)."""
        said = response.headers.get("Retry-After")
        if said is None:
            return None
        if said.isascii() and said.isdigit():
            return str(int(said) * 1000) if len(said) < 16 else "never"
        try:
            at = parsedate_to_datetime(said).timestamp()
        except (ValueError, OverflowError):
            return "never"
        return str(max(0, round((at - self._wall_s()) * 1000)))


def address(endpoint: Endpoint) -> tuple[str, str, int | None]:
    """Scheme (empty: the request's), host and port of an endpoint. Raises EndpointError."""
    name: object = endpoint.name
    if not isinstance(name, str) or not name:
        raise EndpointError(f"an endpoint needs a name, a text that is not empty, not {name!r}")
    try:
        url = httpx.URL(name if "://" in name else f"//{name}")
    except httpx.InvalidURL as error:
        raise EndpointError(f"endpoint {name} is no host:port and no URL: {error}") from None
    port_known = url.port is None or 1 <= url.port <= 65_535
    if (
        not url.host
        or "%" in url.host
        or not port_known
        or url.userinfo
        or url.query
        or url.path not in ("", "/")
        or url.scheme not in ("", "http", "https")
    ):
        raise EndpointError(f"endpoint {name} is no host:port, and no URL of a host by http or https")
    return url.scheme, url.host, url.port


def failure_of(error: httpx.TransportError) -> Failure:
    """What an error of httpx says of whether the request was executed."""
    match error:
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout():
            return Failure.NOT_SENT
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            return Failure.FATAL
        case httpx.TimeoutException():
            return Failure.TIMED_OUT
    return Failure.UNAVAILABLE


async def _read(response: httpx.Response) -> None:
    """Read an answer as it came, encoded: the caller's own response decodes it."""
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    try:
        content = b"".join([part async for part in stream])
    finally:
        await stream.aclose()
    response.stream = httpx.ByteStream(content)


def _deadline_ms(request: httpx.Request) -> int | None:
    """How long all attempts may take."""
    said = request.extensions.get("deadline_ms")
    if said is None:
        timeouts = request.extensions.get("timeout", {}).values()
        if not timeouts or any(seconds is None for seconds in timeouts):
            return None
        said = max(timeouts) * 1000
    if isinstance(said, bool) or not isinstance(said, int | float) or not 1 <= said < float("inf"):
        raise ServiceError(f"a deadline is 1 ms or more, not {said!r}")
    return int(said)


def _said(error: httpx.TransportError) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _told(cause: BaseException | None, error: RequestError, request: httpx.Request) -> httpx.TransportError:
    """The error that a caller of httpx expects, with why it was not tried again as a note."""
    inner = cause.__cause__ if cause is not None else None
    if isinstance(inner, httpx.TransportError):
        inner.request = request
    elif isinstance(cause, CallError) and cause.failure is Failure.TIMED_OUT:
        inner = httpx.ReadTimeout(str(cause), request=request)
    else:
        inner = httpx.ConnectError(str(error), request=request)
    inner.add_note(f"not tried again: {error}")
    return inner
