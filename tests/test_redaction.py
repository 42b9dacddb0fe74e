"""Redaction of secrets in texts and values, in any form."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st

from tap_feedback.redaction import MASK, Redactor, Secret, parts
from tests.encodings import ENCODERS, basic, forms

PLAIN = "geheim-4711"
WILD = "g e/h+e=i&m%é\"'\\4711"
SECRETS = [PLAIN, WILD]
#: Characters that can be seen, which a key consists of.
KEYS = st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" \"'\\%+/=&"), min_size=6).map(str.strip)


def redactor(*secrets: str, name: str = "api_key") -> Redactor:
    """A redactor of secrets that are sent under a name."""
    return Redactor(*(Secret(secret, name) for secret in secrets))


# Forms


@pytest.mark.parametrize("secret", [*SECRETS, "Ab+/cd==9Z"])
def test_forms(secret: str) -> None:
    """Each form of a secret is masked, and the text around it is kept."""
    mask = redactor(secret)
    for form in forms(secret):
        text = mask(f"before {form} after")
        assert text.startswith("before ")
        assert text.endswith(" after")
        assert len(text) < len(f"before {basic('team', '')}{MASK}== after") + 20
        assert MASK in text
        assert not any(known in text for known in forms(secret))


@given(KEYS.filter(lambda key: len(key) >= 6), st.lists(st.sampled_from(sorted(ENCODERS)), max_size=3))
@example("Ab+/cd==9Z", ["URL part", "URL part"])
@example("Token abcdef123456", ["JSON", "form", "URL part in small digits"])
def test_any_form_of_any_secret(key: str, encoders: list[str]) -> None:
    """No part of a key is left, even if several programs encoded it in turn."""
    written = key
    for name in encoders:
        written = ENCODERS[name](written)
    assert redactor(key)(f"\n{written}\n") == f"\n{MASK}\n"


@given(KEYS.filter(lambda key: len(key) >= 6), st.text("user:", max_size=5), st.sampled_from(sorted(ENCODERS)))
def test_any_secret_in_basic_auth(key: str, user: str, encoder: str) -> None:
    """A key is masked as the user or the password, for any user name."""
    mask = redactor(key)
    for credentials in (basic(key, ""), basic(user, key)):
        assert MASK in mask(f"Authorization: Basic {ENCODERS[encoder](credentials)}")
        assert len(mask(credentials)) <= len(basic(user, "") + MASK + "==")


@pytest.mark.parametrize("secret", SECRETS)
def test_basic_auth_as_requests_sends_it(secret: str) -> None:
    """Its header has the credentials in Latin-1 or UTF-8, as they are text or bytes."""
    for credentials in (secret, secret.encode()):
        request = requests.Request("GET", "http://127.0.0.1", auth=(credentials, type(credentials)())).prepare()
        assert redactor(secret)(str(request.headers["Authorization"])).startswith(f"Basic {MASK}")


@pytest.mark.parametrize(
    ("secret", "part"),
    [
        ("Token abcdef123456", "abcdef123456"),
        ("Bearer  abcdef123456", "abcdef123456"),
        ("GenieKey ab/cd+ef==", "ab/cd+ef=="),
        ('Token token="abcdef123456"', "abcdef123456"),
        ("AWS4-HMAC-SHA256 Credential=AKIA/2026/x, Signature=fe5f80", "fe5f80"),
        ("session=abcdef123456; theme=dark", "abcdef123456"),
        (f"Basic {basic('ann', 'pa:ss-word')}", "pa:ss-word"),
        (f"basic {basic('the-key', '')}", "the-key"),
        (f"Basic {basic('ann', 'pa:ss-word')}", basic("ann", "pa:ss-word")),
        ("Basic no base64", "no base64"),
    ],
)
def test_parts(secret: str, part: str) -> None:
    """A server that knows a header names its parts; these are as secret as the whole."""
    assert part in parts(secret)
    assert (
        redactor(secret)(f"the token {part}, as it was sent: {secret}") == f"the token {MASK}, as it was sent: {MASK}"
    )


def test_longer_forms_go_first() -> None:
    """A secret that begins another one leaves nothing of it behind."""
    assert redactor("secret", "secret-and-more")("secret-and-more, secret") == f"{MASK}, {MASK}"


def test_empty_secrets() -> None:
    """An empty secret, or none, changes no text."""
    assert redactor("")("a text") == redactor()("a text") == "a text"


def test_other_text_stays() -> None:
    """What is not secret is not changed."""
    text = "feedback: 12 rows in 1 pages; see `feedback.api_key`, Authorization: and \\ % + the rest"
    assert redactor(*SECRETS, "k", "12x", "ab")(text) == text


def test_a_secret_that_cannot_be_encoded_stops_nothing() -> None:
    """A lone surrogate in a key is for the settings to refuse."""
    assert redactor("a\ud800bcdef", "\ud800")("text a\ud800bcdef") == f"text {MASK}"


# Short ones

LINES = [
    "GET /v1/feedback?limit=100&{name}={value}&offset=12 HTTP/1.1",
    "GET /login?next=%2Fv1%2Ffeedback%3F{name}%3D{value}%26limit%3D100",
    "GET /login?next=%252Fv1%3F{name}%253D{value}%2526limit",
    "{name}: {value}",
    "{name}: Token {value}",
    "headers {{'{name}': 'Bearer {value}'}}",
    "headers [('{name}', '{value}')]",
    '{{"{name}": "{value}", "page": 1}}',
    '"{{\\"{name}\\": \\"{value}\\"}}"',
    "%7B%22{name}%22%3A%20%22{value}%22%7D",
    "{{'{name}': ['{value}', 'x']}}",
    "{name}=[x, {value}]",
]


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("name", ["access_token", "X-Sid"])
@pytest.mark.parametrize("value", ["tok9", "7", "a/=é"])
def test_a_short_secret_is_masked_as_a_value(line: str, name: str, value: str) -> None:
    """It is masked as the value of anything with its name."""
    mask = redactor(value, name=name)
    for written in (
        {value} if value.isalnum() else {ENCODERS["URL part"](value), ENCODERS["URL part in small digits"](value)}
    ):
        for spelled in (name, name.lower()):
            assert mask(line.format(name=spelled, value=written)) == line.format(name=spelled, value=MASK)


@pytest.mark.parametrize(
    "text", ["12 rows", "offset=12&limit=100", "412 Precondition Failed", "token 12", "access_token=112", "2026-11-12"]
)
def test_a_short_secret_stays_elsewhere(text: str) -> None:
    """A text that is as short as a number of rows does not make the log unreadable."""
    assert redactor("12", name="access_token")(text) == text


@pytest.mark.parametrize("key", ["k", "1", "ab"])
def test_a_key_of_a_letter_or_two(key: str) -> None:
    """It is masked as a value, in basic auth, too, and nowhere else."""
    mask = redactor(key)
    text = "1 of 1 streams failed: lab/k ab 1; check `feedback.api_key`"
    assert mask(text) == text
    for line in (f"api_key={key}", f"Authorization: Bearer {key}", f"Authorization: Basic {basic(key, '')}"):
        assert mask(line) == line.rpartition(" ")[0] + (f" {MASK}" if " " in line else f"api_key={MASK}")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("an object with the keys tok9, x", f"an object with the keys {MASK}, x"),
        ("?x=tok9&y", f"?x={MASK}&y"),
        ("%3Ftok9%26", f"%3F{MASK}%26"),
        ("Basic dG9rOTo=", f"Basic {MASK}"),
        ("tok99 token9 stok9 tok9_x", "tok99 token9 stok9 tok9_x"),
    ],
)
def test_a_short_key_is_masked_as_a_word(text: str, masked: str) -> None:
    """A key of at least three characters is masked as a word."""
    assert redactor("tok9")(text) == masked


# Values


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        (f"a {PLAIN}", f"a {MASK}"),
        ({"a": [1, (PLAIN, None)], PLAIN: True}, {"a": [1, (MASK, None)], MASK: True}),
        (("x", f"y{PLAIN}"), ("x", f"y{MASK}")),
        (ValueError(PLAIN), MASK),
        ({"sid": "ab", "x": "ab", "list": {"SID": ["ab", 1]}}, {"sid": MASK, "x": "ab", "list": {"SID": [MASK, 1]}}),
        (PLAIN.encode(), f"b'{MASK}'"),
        ({"n": 987654321234}, {"n": MASK}),
    ],
)
def test_values(value: Any, masked: Any) -> None:
    """A secret is masked at any depth, as a number, too, and behind its name."""
    mask = Redactor(Secret(PLAIN), Secret("ab", "sid"), Secret("987654321234"))
    assert mask.value(value) == masked


@pytest.mark.parametrize("value", ["text", 1, None, {"a": [1, ("b",)]}, ("a", {}), ValueError("x"), 1.5])
def test_other_values_are_the_same_objects(value: Any) -> None:
    """What has no secret is not copied."""
    assert redactor(PLAIN).value(value) is value


def test_value_of_a_name() -> None:
    """A value by itself is masked if its name is given."""
    mask = redactor("ab", name="sid")
    assert (mask("ab", "Sid"), mask("ab", "side"), mask("ab")) == (MASK, "ab", "ab")


# Adding


def test_secrets_are_added_from_threads() -> None:
    """Tokens come while others log, and none is lost."""
    mask = redactor("first-secret")
    tokens = [f"token-{thread}-{number}" for thread in range(4) for number in range(25)]

    def add(thread: int) -> None:
        for token in tokens[25 * thread : 25 * thread + 25]:
            mask.add(Secret(token, "access_token"))
            assert mask(f"{token} first-secret") == f"{MASK} {MASK}"

    threads = [threading.Thread(target=add, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert mask(" ".join(tokens)) == " ".join([MASK] * 100)


def test_a_secret_does_not_show_itself() -> None:
    """A traceback or debugger shows only its name."""
    assert PLAIN not in repr([Secret(PLAIN, "token")])
    assert repr(Secret(PLAIN, "token")) == "Secret(token)"


def test_json_stays_json() -> None:
    """A structured line can still be read as JSON."""
    mask = redactor(*SECRETS)
    for secret in SECRETS:
        assert json.loads(mask(json.dumps({"message": f"the key is {secret}"}))) == {"message": f"the key is {MASK}"}
