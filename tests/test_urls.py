"""URLs of requests: their origin and their query."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tap_feedback.urls import join_queries, locate, origin


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://a", "http://a"),
        ("http://A:80/b?c", "http://a"),
        ("https://a:443", "https://a"),
        ("https://user:pw@a:8443/x", "https://a:8443"),
        ("http://[::1]:81/", "http://[::1]:81"),
    ],
)
def test_origin(url: str, words: str) -> None:
    """An origin is one text for all spellings."""
    assert str(origin(urlsplit(url))) == words


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://a", "/"),
        ("http://a?b=1", "/?b=1"),
        ("http://a/b c/é?d=e f&g=%2f#h", "/b%20c/%C3%A9?d=e%20f&g=%2F"),
        ("http://bücher.example/x", "/x"),
    ],
)
def test_target(url: str, target: str) -> None:
    """A request line has path and query, quoted if necessary."""
    assert locate(url).target == target


@pytest.mark.parametrize(
    ("query", "other", "replaced", "joined"),
    [
        ("", "", (), ""),
        ("a=1", "", (), "a=1"),
        ("", "b=2", (), "b=2"),
        ("a=1", "b=2", (), "a=1&b=2"),
        ("a=1&key=x&c", "key=y", {"key"}, "a=1&c&key=y"),
        ("k%65y=x", "key=y", {"key"}, "key=y"),
        ("a=%2f&b=+", "", {"key"}, "a=%2f&b=+"),
    ],
)
def test_join_queries(query: str, other: str, replaced: set[str], joined: str) -> None:
    """Queries keep their spelling, without the parameters that are replaced."""
    assert join_queries(query, other, replaced=replaced) == joined
