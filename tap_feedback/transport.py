"""HTTP transport for one host, with the proxies and certificates that requests would use, and a deadline."""

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


#: Number of bytes to read in one call.
BUFFER_SIZE = 64 * 1024
#: Seconds by which a response may be late, as the socket's timeout is updated only that often.
TOLERANCE = 0.01


class TimedReader(io.RawIOBase):
    """Reads a socket until a deadline, as the socket's own timeout starts over with each byte that arrives."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._stream = sock.makefile("rb", buffering=0)
        # urllib3 has just set the timeout to the rest of the request's time.
        self._updated = time.monotonic()
        self._deadline = self._updated + (sock.gettimeout() or 0)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read the available bytes, or wait for some until the deadline."""
        now = time.monotonic()
        if now >= self._deadline:
            raise TimeoutError
        if now > self._updated + TOLERANCE:
            self._updated = now
            self._socket.settimeout(self._deadline - now)
        return self._stream.readinto(buffer)

    def close(self) -> None:
        """Release the socket."""
        self._stream.close()
        super().close()

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a buffered reader, as a response wants it of a socket."""
        return io.BufferedReader(self, BUFFER_SIZE)


class TimedResponse(http.client.HTTPResponse):
    """A response whose status, headers and body must all arrive before the deadline."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        reader: Any = TimedReader(sock)
        super().__init__(reader, *args, **kwargs)

    def begin(self) -> None:
        """Read the status and headers. After 101 the server speaks another protocol, so the connection is closed."""
        super().begin()
        if self.status == HTTPStatus.SWITCHING_PROTOCOLS:
            self.will_close = True

    def _read_status(self) -> tuple[str, int, str]:
        """Read the status. `begin` skips an interim response only if it is 100, so the others are returned as 100."""
        version, status, reason = super()._read_status()  # type: ignore[misc]  # private, and so without a type
        interim = status < HTTPStatus.OK and status != HTTPStatus.SWITCHING_PROTOCOLS
        return version, HTTPStatus.CONTINUE if interim else status, reason


class Route(NamedTuple):
    """How to reach the host: the connections, the headers, and the proxy, if any.

    `prefix` precedes the path in a request line, which a proxy needs. `proxy` is host and port. `certificates` is the
    file or folder named in the environment, if the host needs certificates.
    """

    pool: Any
    origin: str
    prefix: str
    headers: dict[str, str]
    proxy: str
    certificates: str


class Transport:
    """Sends requests to one host, from any thread.

    The library requests looks up proxies and certificates in the environment, and prepares headers and connections, for
    every request. This class does so once. It leaves the rest to urllib3, whose errors it raises.

    Args:
        url: A URL on the host.
        headers: Sent with every request, in addition to those of requests. Of names that differ only in case, the last
            one wins.
        size: Number of connections to keep open.
    """

    # Why not `requests.Session`: it has no deadline for a whole response (its timeout starts over with each byte), it
    # follows redirects without a check of their target, and it prepares every request from the environment, which takes
    # longer than decoding a page.

    def __init__(self, url: str, headers: Mapping[str, str], size: int) -> None:
        self._url = url
        self._headers = headers
        self._adapter = HTTPAdapter(pool_maxsize=size)

    @cached_property
    def _route(self) -> Route:
        """The route, which is looked up for the first request, as discovery may not need one.

        Raises:
            FatalAPIError: The environment names a proxy or certificates that cannot be used. The message does not quote
                the proxy's URL, which may hold a password.
        """
        try:
            return self._find_route()
        except requests.exceptions.InvalidSchema:
            raise FatalAPIError("a SOCKS proxy needs the package PySocks; install it with the tap") from None
        except (TypeError, ValueError, HTTPError, requests.RequestException):
            raise FatalAPIError(
                "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY is not a valid URL; it must look like `http://host:port`"
            ) from None

    @property
    def proxy(self) -> str:
        """Host and port of the proxy, without user and password; empty without a proxy."""
        return self._route.proxy if "_route" in self.__dict__ else ""

    def _find_route(self) -> Route:
        with requests.Session() as session:
            settings: Any = session.merge_environment_settings(self._url, {}, None, None, None)
            session.trust_env = False  # a password in .netrc must not replace the key
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
        prefix = adapter.request_url(request, proxies).removesuffix("/")
        host = urlsplit(proxy if "://" in proxy else f"//{proxy}").netloc.rpartition("@")[2] if proxy else ""
        return Route(pool, str(request.url).removesuffix("/"), prefix, dict(request.headers), host, certificates)

    def send(
        self, method: str, url: str, headers: Mapping[str, str], timeout: float, body: bytes | None = None
    ) -> BaseHTTPResponse:
        """Send a request, and return the response without reading its body.

        Args:
            method: Such as GET.
            url: A quoted URL on the host, or its path and query.
            headers: Sent in addition to those of every request. Of two headers with the same name, these win.
            timeout: Seconds in which headers and body must arrive.
            body: Sent unchanged.

        Raises:
            FatalAPIError: The certificates that the environment names cannot be read. All other errors are urllib3's.
        """
        route = self._route
        try:
            response: BaseHTTPResponse = route.pool.urlopen(
                method,
                route.prefix + url.removeprefix(route.origin),
                body=body,
                headers=merge_headers(route.headers, headers),
                timeout=Timeout(total=max(0.001, timeout)),
                retries=False,
                redirect=False,
                assert_same_host=False,  # else urllib3 rejects the URLs that go to a proxy
                preload_content=False,
            )
        except SSLError:
            if route.certificates:
                check_certificates(route.certificates)
            raise
        return response

    def close(self) -> None:
        """Close the connections. Those in use are closed when they are returned to the pool."""
        if "_route" in self.__dict__:
            self._route.pool.close()


def merge_headers(*parts: Mapping[str, str]) -> dict[str, str]:
    """Return several sets of headers as one. Later ones win, also if their names differ in case."""
    merged = {name.lower(): (name, value) for part in parts for name, value in part.items()}
    return dict(merged.values())


def check_certificates(path: str) -> None:
    """Check that certificates can be read from the file or folder that the environment names.

    Raises:
        FatalAPIError: The file cannot be read, or does not hold a certificate.
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
