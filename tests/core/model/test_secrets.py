"""Secrets in texts for people: whole, as they are sent, and cut short."""

from base64 import b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.secrets import SHORTEST, Secrets

KEY = "eyJhbGciOiJSUzI1NiJ9." + "abcDEF0123456789-_" * 60
PHRASE = 'a b/c+d"e\\f'
PRINTABLE = st.text(
    st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="*"), min_size=SHORTEST
)


def knowing(*values: str) -> Secrets:
    secrets = Secrets()
    for value in values:
        secrets.know(value)
    return secrets


def test_a_text_without_a_secret_stays_as_it_is() -> None:
    assert knowing(KEY).cut("nothing to see") == "nothing to see"
    assert Secrets().cut(KEY) == KEY


@pytest.mark.parametrize(
    "form", [PHRASE, quote(PHRASE, safe=""), quote_plus(PHRASE), 'a b/c+d\\"e\\\\f'], ids=str
)
def test_a_secret_is_cut_as_it_is_sent_and_quoted(form: str) -> None:
    assert knowing(PHRASE).cut(f"before {form} after") == "before *** after"


@pytest.mark.parametrize("user", ["", "u", "us", "use", "user"])
def test_basic_credentials_do_not_give_it_away(user: str) -> None:
    basic = b64encode(f"{user}:{KEY}:".encode()).decode()
    shown = knowing(KEY).cut(f"Basic {basic}")
    assert len(shown) < 30


def test_the_beginning_of_a_long_secret_gives_it_away_too() -> None:
    assert knowing(KEY).cut(f"{KEY[:200]}…") == "***…"
    assert knowing(KEY).cut(f"'{KEY[:16]}'") == "'***'"


def test_a_short_secret_is_cut_only_as_a_whole() -> None:
    assert knowing("password1").cut("a password, password1") == "a password, ***"


def test_what_is_too_short_to_tell_is_left() -> None:
    assert knowing("abc").cut("abc") == "abc"


def test_texts_inside_of_values_are_cut_and_all_else_is_kept() -> None:
    value = {"tasks": [{"message": f"no {KEY}", "code": 7}], KEY: None}
    assert knowing(KEY).cut_in(value) == {"tasks": [{"message": "no ***", "code": 7}], "***": None}


@given(secrets=st.lists(PRINTABLE, min_size=1, max_size=3), before=PRINTABLE, after=PRINTABLE)
def test_no_secret_is_left_whatever_stands_around_it(
    secrets: list[str], before: str, after: str
) -> None:
    known = knowing(*secrets)
    for secret in secrets:
        assert secret not in known.cut(f"{before}\n{secret}\n{after}")
