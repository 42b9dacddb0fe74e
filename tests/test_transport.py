"""HTTP transport for one host: proxies, certificates and headers as requests has them, and the deadline."""

from __future__ import annotations

import base64
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.failures import explain, transient_reason
from tap_feedback.retry import TransientError
from tap_feedback.transport import Transport
from tests.configs import parse
from tests.server import RecordedRequest, Server
from tests.tls import encrypt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HEAD = b"HTTP/1.1 200 OK\r\n"
FEEDBACK = parse({"feedback": {"base_url": "http://x", "api_key": "x"}}).apis["feedback"]
TIMEOUT = 0.3


@contextmanager
def way_to(url: str, **headers: str) -> Iterator[Callable[..., bytes]]:
    """A function that requests a path of this host and returns the body."""
    transport = Transport(url, {name.replace("_", "-"): value for name, value in headers.items()}, size=1)

    def ask(path: str = "/", timeout: float = 10) -> bytes:
        with transport.send("GET", url + path, {}, timeout) as response:
            return b"".join(iter(lambda: response.read1(1024, decode_content=True), b""))

    try:
        yield ask
    finally:
        transport.close()


def received(server: Server, path: str = "/", **headers: str) -> RecordedRequest:
    """How a request arrives at a server."""
    with way_to(server.url, **headers) as ask:
        ask(path)
    return server.requests[-1]


def check_given_up(url: str) -> None:
    """A request is given up when its time is over."""
    began = time.monotonic()
    with way_to(url) as ask, pytest.raises((urllib3.exceptions.HTTPError, OSError)) as raised:
        ask(timeout=TIMEOUT)
    assert time.monotonic() - began < TIMEOUT + 1
    assert transient_reason(raised.value) == "no response within `timeout`"


def drip(send: Callable[[bytes], object], data: bytes, pause: float = 0.02) -> None:
    """Send byte by byte, until the other side has gone."""
    with suppress(OSError):
        for byte in data:
            send(bytes([byte]))
            time.sleep(pause)


@contextmanager
def listening(serve: Callable[[socket.socket], object]) -> Iterator[str]:
    """The address of a server that handles one connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def accept() -> None:
            peer, _ = listener.accept()
            with peer:
                serve(peer)

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)
        assert not thread.is_alive()


def dripping(peer: socket.socket) -> None:
    """Respond to a request byte by byte."""
    peer.recv(4096)
    drip(peer.sendall, HEAD + b"X-Long: " + b"x" * 500)


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which proxies count for this machine too."""
    for name in ("no_proxy", "NO_PROXY", "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


# Requests


def test_headers() -> None:
    """The headers of requests are sent, and given headers replace them, regardless of case."""
    with Server(lambda request: []) as server:
        headers = received(server, user_agent="acme/1", X_Team="feedback").headers
    assert {"Accept-Encoding", "X-Team"} <= headers.keys()
    assert [value for name, value in headers.items() if name.lower() == "user-agent"] == ["acme/1"]


def test_no_password_from_netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `.netrc` has for a host is not sent beside the key."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password secret\n", "utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    with Server(lambda request: []) as server:
        assert "Authorization" not in received(server).headers


@pytest.mark.parametrize("path", ["/", "/v1/forums?page=2&q=a%20b", "/caf%C3%A9"])
def test_paths(path: str) -> None:
    """A path arrives as it was sent."""
    with Server(lambda request: []) as server:
        assert received(server, path).target == path


def test_connections_are_kept() -> None:
    """Successive requests share a connection, and each has its full time."""
    peers = set()

    class Watching(Server):
        def handle(self, handler: Any) -> None:
            peers.add(handler.client_address)
            super().handle(handler)

    with Watching(lambda request: [1]) as server, way_to(server.url) as ask:
        for _ in range(4):
            assert ask(timeout=TIMEOUT) == b"[1]"
            time.sleep(TIMEOUT / 3)
    assert len(peers) == 1


def test_connections_are_closed() -> None:
    """When the way is closed, the host sees the end of the connection."""
    ended = threading.Event()

    def serve(peer: socket.socket) -> None:
        peer.recv(4096)
        peer.sendall(HEAD + b"Content-Length: 2\r\n\r\n[]")
        if not peer.recv(4096):
            ended.set()

    with listening(serve) as address:
        with way_to(f"http://{address}") as ask:
            assert ask() == b"[]"
            assert not ended.is_set()
        assert ended.wait(5)


# Time


@pytest.mark.parametrize(
    "data",
    [
        HEAD * 99,
        HEAD + b"X-Long: " + b"x" * 999,
        HEAD + b"X: y\r\n" * 99,
        HEAD[:-2] + b"O" * 999,
    ],
)
def test_dripping_headers(data: bytes) -> None:
    """A server that drips its status or headers, byte by byte, is given up in time."""

    def serve(peer: socket.socket) -> None:
        peer.recv(4096)
        drip(peer.sendall, data)

    with listening(serve) as address:
        check_given_up(f"http://{address}")


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 9999\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n9999\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1;" + b"x" * 999,
        b"\r\n",
    ],
)
def test_dripping_bodies(rest: bytes) -> None:
    """A response whose body drips, in any framing, fails at the deadline."""

    def serve(peer: socket.socket) -> None:
        peer.recv(4096)
        peer.sendall(HEAD + rest)
        drip(peer.sendall, bytes(500))

    with listening(serve) as address:
        check_given_up(f"http://{address}")


def test_dripping_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is kept within an encrypted connection too."""

    class Dripping(Server):
        def handle(self, handler: Any) -> None:
            drip(handler.wfile.write, HEAD + b"X-Long: " + b"x" * 500)

    server = Dripping(lambda request: None)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(encrypt(server, tmp_path)))
    with server:
        check_given_up(server.url)


def test_dripping_proxy(proxied: pytest.MonkeyPatch) -> None:
    """A proxy that drips is given up in time as well, for encrypted connections too."""
    with listening(dripping) as proxy:
        proxied.setenv("https_proxy", f"http://{proxy}")
        check_given_up("https://127.0.0.1:9")


# Environment


def test_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown certificate is final, and accepted if `REQUESTS_CA_BUNDLE` names it."""
    server = Server(lambda request: [])
    certificate = encrypt(server, tmp_path)
    with server:
        with way_to(server.url) as ask, pytest.raises(urllib3.exceptions.SSLError) as raised:
            ask()
        assert transient_reason(raised.value) is None
        assert server.requests == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        with way_to(server.url) as ask:
            assert ask() == b"[]"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_missing_certificates(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """A file of certificates that does not exist fails immediately; the message names it and its variable."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, "/not/there.pem")
    words = rf"/not/there\.pem cannot be read \(No such file or directory\); check {variable}"
    with way_to("https://127.0.0.1:9") as ask, pytest.raises(FatalAPIError, match=words):
        ask()


@pytest.mark.parametrize(
    "text", ["", "an error page", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"]
)
def test_files_without_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A file without a certificate, such as a download that failed, fails immediately, as no retry helps."""
    file = tmp_path / "bundle.pem"
    file.write_text(text, "utf-8")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    words = "holds no certificate; check REQUESTS_CA_BUNDLE"
    with (
        Server(lambda request: []) as server,
        way_to(server.url.replace("http:", "https:")) as ask,
        pytest.raises(FatalAPIError, match=words) as raised,
    ):
        ask()
    assert str(file) in str(raised.value)


def test_folders_of_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of certificates, which OpenSSL looks into when it needs one, is as good as a file."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    with way_to("https://127.0.0.1:9") as ask, pytest.raises(urllib3.exceptions.NewConnectionError):
        ask()


def test_proxies(proxied: pytest.MonkeyPatch) -> None:
    """A proxy from the environment gets the requests, with its password, but for hosts that `NO_PROXY` names."""
    with Server(lambda request: ["proxy"]) as proxy, Server(lambda request: ["server"]) as server:
        proxied.setenv("http_proxy", proxy.url.replace("//", "//ann:pass%20word@"))
        with way_to(server.url) as ask:
            assert ask("/v1/feedback?limit=1") == b'["proxy"]'
        (request,) = proxy.requests
        assert request.target == f"{server.url}/v1/feedback?limit=1"
        assert request.headers["Proxy-Authorization"] == f"Basic {base64.b64encode(b'ann:pass word').decode()}"
        proxied.setenv("no_proxy", "127.0.0.1")
        with way_to(server.url) as ask:
            assert ask() == b'["server"]'


@pytest.mark.parametrize(
    "proxy", ["http://ann:word@", "http://ann:se[krit@127.0.0.1:1", "http://ann:se#krit@127.0.0.1:1"]
)
def test_wrong_proxies(proxy: str, proxied: pytest.MonkeyPatch) -> None:
    """The message about a proxy that is not a URL leaves out its password."""
    proxied.setenv("http_proxy", proxy)
    with (
        way_to("http://127.0.0.1:9") as ask,
        pytest.raises(FatalAPIError, match="ALL_PROXY is not a valid URL; it must look like `http") as raised,
    ):
        ask()
    assert "krit" not in str(raised.value)


def test_socks_proxies(proxied: pytest.MonkeyPatch) -> None:
    """A SOCKS proxy is an address, though one that requests needs another package for."""
    proxied.setenv("all_proxy", "socks5://ann:krit@127.0.0.1:1")
    with way_to("http://127.0.0.1:9") as ask, pytest.raises(FatalAPIError, match="install it") as raised:
        ask()
    assert "PySocks" in str(raised.value)


def proxy_failure(url: str, proxy: str, monkeypatch: pytest.MonkeyPatch) -> TransientError | FatalAPIError:
    """What a request through a proxy fails with, as the tap explains it; it says nothing of user and password."""
    scheme, _, address = proxy.partition("//")
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"{scheme}//ann:krit@{address}")
    transport = Transport(url, {}, size=1)
    try:
        with pytest.raises((urllib3.exceptions.HTTPError, OSError)) as raised:
            transport.send("GET", url, {}, 5)
    finally:
        transport.close()
    found = explain(raised.value, FEEDBACK, transport.proxy)
    hint = getattr(found, "hint", "")
    assert "ann" not in f"{found}{hint}"
    assert "krit" not in f"{found}{hint}"
    return found


@pytest.mark.parametrize("url", ["http://api.invalid", "https://api.invalid"])
@pytest.mark.parametrize(
    ("proxy", "reason"),
    [("127.0.0.1:9", "the connection was refused"), ("nowhere.invalid:3128", "the host name was not found")],
)
def test_unreachable_proxies_are_named(url: str, proxy: str, reason: str, proxied: pytest.MonkeyPatch) -> None:
    """A proxy that is down, or has another name, is named; it is not the API that refused."""
    found = proxy_failure(url, f"http://{proxy}", proxied)
    assert isinstance(found, TransientError)
    assert f"{found}{found.hint}" == f"the proxy {proxy} failed: {reason}; check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY"


@pytest.mark.parametrize(
    ("status", "words", "final"),
    [
        (407, "returned 407 Proxy Authentication Required; check its user and password in HTTP_PROXY", True),
        (403, "returned 403 Forbidden; check whether it allows requests to this host", True),
        (502, "returned 502 Bad Gateway", False),
    ],
)
def test_proxies_that_open_no_tunnel_are_named(
    status: int,
    words: str,
    final: bool,  # noqa: FBT001 - a case
    proxied: pytest.MonkeyPatch,
) -> None:
    """A proxy that wants a password, or does not let the host through, says so in place of a tunnel."""

    def serve(peer: socket.socket) -> None:
        peer.recv(4096)
        peer.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)

    with listening(serve) as proxy:
        found = proxy_failure("https://api.invalid", f"http://{proxy}", proxied)
    assert str(found).startswith(f"the proxy {proxy} {words}")
    assert isinstance(found, FatalAPIError if final else TransientError)


def test_a_proxy_without_tls_is_named(proxied: pytest.MonkeyPatch) -> None:
    """The tap speaks plain HTTP to most proxies, also for HTTPS, for any name of the variable."""
    with Server(lambda request: []) as proxy:
        found = proxy_failure("https://api.invalid", proxy.url.replace("http:", "https:"), proxied)
        address = proxy.url.removeprefix("http://")
    assert isinstance(found, TransientError)
    words = f"the proxy {address} speaks HTTP, not HTTPS; set `http://` for it in HTTPS_PROXY"
    assert f"{found}{found.hint}" == words


def test_failures_behind_a_proxy_name_it(proxied: pytest.MonkeyPatch) -> None:
    """If a connection breaks, it may be the proxy's fault."""
    with listening(lambda peer: peer.recv(4096)) as proxy:
        found = proxy_failure("https://api.invalid", f"http://{proxy}", proxied)
    assert isinstance(found, TransientError)
    words = f"the connection was reset (through the proxy {proxy}); run the sync again later"
    assert f"{found}{found.hint}" == words


def test_no_proxy_has_no_name(proxied: pytest.MonkeyPatch) -> None:
    """Without a proxy none is named."""
    proxied.setenv("no_proxy", "127.0.0.1")
    proxied.setenv("http_proxy", "http://127.0.0.1:9")
    transport = Transport("http://127.0.0.1:9", {}, size=1)
    assert transport.proxy == ""
    with pytest.raises(urllib3.exceptions.NewConnectionError):
        transport.send("GET", "http://127.0.0.1:9", {}, 5)
    assert transport.proxy == ""


def test_tunnels(tmp_path: Path, proxied: pytest.MonkeyPatch) -> None:
    """An encrypted connection goes through a proxy that sees the host's name, and nothing of the requests."""
    seen: list[bytes] = []

    def tunnel(peer: socket.socket) -> None:
        seen.append(peer.recv(4096))
        host, _, port = seen[0].split()[1].decode().partition(":")
        with socket.create_connection((host, int(port)), 5) as other:
            peer.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=relay, args=(other, peer))
            back.start()
            relay(peer, other)
            back.join(5)

    def relay(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                seen.append(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    server = Server(lambda request: [1])
    proxied.setenv("REQUESTS_CA_BUNDLE", str(encrypt(server, tmp_path)))
    with server, listening(tunnel) as proxy:
        proxied.setenv("https_proxy", f"http://ann:word@{proxy}")
        with way_to(server.url, Authorization="Bearer k3y") as ask:
            assert ask("/v1/forums") == b"[1]"
            assert ask("/v1/forums") == b"[1]"
    first, *others = seen
    assert f"Proxy-Authorization: Basic {base64.b64encode(b'ann:word').decode()}".encode() in first
    assert b"forums" not in b"".join(seen)
    assert b"k3y" not in b"".join(seen)
    assert others
    assert [request.headers["Authorization"] for request in server.requests] == ["Bearer k3y"] * 2
    assert all("Proxy-Authorization" not in request.headers for request in server.requests)
