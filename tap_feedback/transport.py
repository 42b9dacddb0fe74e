"""HTTP transport for one host: proxies and certificates as requests finds them, and a deadline for each response."""

from __future__ import annotations

import http.client
import io
import os
import ssl
import time
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy
from singer_sdk.exceptions import FatalAPIError
from urllib3.exceptions import HTTPError, SSLError
from urllib3.util import Timeout

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from urllib3 import BaseHTTPResponse


#: Bytes to read in one call.
BUFFER_SIZE = 64 * 1024
#: Seconds by which a response may be late: the socket's timeout is shortened only then.
TOLERANCE = 0.01


class TimedReader(io.RawIOBase):
    """Reads a socket until a moment; the socket's own timeout starts over with each byte that a server drips."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._stream = sock.makefile("rb", buffering=0)
        # urllib3 has just set what the request has left of its time.
        self._updated = time.monotonic()
        self._deadline = self._updated + (sock.gettimeout() or 0)

    def readable(self) -> bool:
        """It reads."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what there is, or wait for it until the deadline."""
        now = time.monotonic()
        if now >= self._deadline:
            raise TimeoutError
        if now > self._updated + TOLERANCE:
            self._updated = now
            self._socket.settimeout(self._deadline - now)
        return self._stream.readinto(buffer)

    def close(self) -> None:
        """Let go of the socket."""
        self._stream.close()
        super().close()

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What a response makes of a socket to read from it."""
        return io.BufferedReader(self, BUFFER_SIZE)


class TimedResponse(http.client.HTTPResponse):
    """A response whose status, headers and body must all come in time."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        reader: Any = TimedReader(sock)
        super().__init__(reader, *args, **kwargs)

    def begin(self) -> None:
        """Read status and headers; behind 101, what follows is of another protocol, and the connection of no use."""
        super().begin()
        if self.status == HTTPStatus.SWITCHING_PROTOCOLS:
            self.will_close = True

    def _read_status(self) -> tuple[str, int, str]:
        """Read the status; `begin` reads past an interim response only if it is 100, so the others look like one."""
        version, status, reason = super()._read_status()  # type: ignore[misc]  # private, and so without a type
        interim = status < HTTPStatus.OK and status != HTTPStatus.SWITCHING_PROTOCOLS
        return version, HTTPStatus.CONTINUE if interim else status, reason


class Route(NamedTuple):
    """How the host is reached: through which connections, with what headers, and through which proxy, if any.

    `before_path` is what a request line then has before the path; `proxy` is host and port. `certificates` is the file
    or folder that the environment names, if it does and they are needed.
    """

    pool: Any
    origin: str
    before_path: str
    headers: dict[str, str]
    proxy: str
    certificates: str


class Transport:
    """Sends requests to one host, from any thread.

    What requests does for every request is done once: it looks up proxies and certificates in the environment, and
    prepares headers and connections. The rest is urllib3's part, with its errors.

    Args:
        url: An address on the host.
        headers: Sent with every request, beside those of requests; the last of those that differ in case only.
        size: Connections that are kept open.
    """

    # Why not `requests.Session`: it has no deadline for a whole response (its timeout starts over with each byte), it
    # follows redirects before anyone can look where they lead, and it prepares every request from the environment,
    # which takes longer than decoding a page.

    def __init__(self, url: str, headers: Mapping[str, str], size: int) -> None:
        self._url = url
        self._headers = headers
        self._adapter = HTTPAdapter(pool_maxsize=size)

    @cached_property
    def _route(self) -> Route:
        """Found with the first request, as discovery needs none.

        Raises:
            FatalAPIError: The environment names a proxy or certificates that cannot be used. Which part of a proxy's
                address is wrong could reveal its password.
        """
        try:
            return self._find_route()
        except requests.exceptions.InvalidSchema:
            raise FatalAPIError("a SOCKS proxy needs the package PySocks; install it beside the tap") from None
        except (TypeError, ValueError, HTTPError, requests.RequestException):
            raise FatalAPIError(
                "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY is not a valid address; it must look like `http://host:port`"
            ) from None

    @property
    def proxy(self) -> str:
        """Host and port of the proxy that leads to the host, without user and password; empty without a proxy."""
        return self._route.proxy if "_route" in self.__dict__ else ""

    def _find_route(self) -> Route:
        with requests.Session() as session:
            settings: Any = session.merge_environment_settings(self._url, {}, None, None, None)
            session.trust_env = False  # a password in .netrc is not for an API that has a key
            session.headers.update(self._headers)
            request = session.prepare_request(requests.Request("GET", urljoin(self._url, "/")))
        proxies, verify, cert = (settings[name] for name in ("proxies", "verify", "cert"))
        proxy = select_proxy(self._url, proxies)
        certificates = verify if isinstance(verify, str) and self._url.startswith("https:") else ""
        if certificates and not Path(certificates).exists():
            check_certificates(certificates)
        adapter: Any = self._adapter
        pool = adapter.get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
        adapter.cert_verify(pool, request.url, verify, cert)
        kind = pool.ConnectionCls
        if kind.response_class is not TimedResponse:
            pool.ConnectionCls = type(kind.__name__, (kind,), {"response_class": TimedResponse})
        before_path = adapter.request_url(request, proxies).removesuffix("/")
        host = urlsplit(proxy if "://" in proxy else f"//{proxy}").netloc.rpartition("@")[2] if proxy else ""
        return Route(pool, str(request.url).removesuffix("/"), before_path, dict(request.headers), host, certificates)

    def send(
        self, method: str, url: str, headers: Mapping[str, str], timeout: float, body: bytes | None = None
    ) -> BaseHTTPResponse:
        """Send a request; the body of the response is still to be read.

        Args:
            method: Such as GET.
            url: An address on the host, quoted; or its path and query.
            headers: Sent beside those of every request, in place of those of the same name.
            timeout: Seconds in which headers and body must have come.
            body: Sent as it is.

        Raises:
            FatalAPIError: The certificates that the environment names cannot be read. Anything else is urllib3's.
        """
        route = self._route
        try:
            response: BaseHTTPResponse = route.pool.urlopen(
                method,
                route.before_path + url.removeprefix(route.origin),
                body=body,
                headers=merge_headers(route.headers, headers),
                timeout=Timeout(total=max(0.001, timeout)),
                retries=False,
                redirect=False,
                assert_same_host=False,  # or an address that is requested from a proxy is refused
                preload_content=False,
            )
        except SSLError:
            if route.certificates:
                check_certificates(route.certificates)
            raise
        return response

    def close(self) -> None:
        """Close the connections; those in use are closed when they are given back."""
        if "_route" in self.__dict__:
            self._route.pool.close()


def merge_headers(*parts: Mapping[str, str]) -> dict[str, str]:
    """Headers of several origins as one; later ones win, in whatever case they are written."""
    merged = {name.lower(): (name, value) for part in parts for name, value in part.items()}
    return dict(merged.values())


def check_certificates(path: str) -> None:
    """Check that certificates can be read from the file or folder that the environment names.

    Raises:
        FatalAPIError: They cannot.
    """
    name = "REQUESTS_CA_BUNDLE" if os.environ.get("REQUESTS_CA_BUNDLE") else "CURL_CA_BUNDLE"
    if Path(path).is_dir():
        return
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        raise FatalAPIError(f"{path} holds no certificate; check {name}") from None
    except OSError as error:
        raise FatalAPIError(f"{path} cannot be read ({error.strerror}); check {name}") from None
