"""Texts are kept as they are, less what the databases and readers of JSON refuse."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from conversations.texts import clean, split_open_pair

ANY_TEXT = st.text(
    st.characters(codec=None, exclude_categories=[]) | st.sampled_from("\0\ud83d\ude00")
)


def test_ordinary_text_is_the_same():
    text = "a 好 😀 \t\r\n \x01 \x7f \ufffe \ufeff \u202e"

    assert clean(text) is text


def test_nul_and_lone_surrogates_are_left_out():
    assert clean("a\0b\ud800c\udfffd\udc00\ud800e") == "abcde"


def test_a_pair_is_joined():
    assert clean("\ud83d\ude00") == "😀"
    assert clean("\ud83d\ud83d\ude00\ude00") == "😀"


def test_the_first_half_of_a_pair_is_held_back():
    assert split_open_pair("a\ud83d") == ("a", "\ud83d")
    assert split_open_pair("\ud83d\ude00") == ("\ud83d\ude00", "")
    assert split_open_pair("a\ude00") == ("a\ude00", "")
    assert split_open_pair("") == ("", "")


@given(ANY_TEXT)
def test_whatever_it_was_the_text_can_be_stored(text):
    kept = clean(text)

    assert "\0" not in kept
    assert kept.encode().decode() == kept == clean(kept)


@given(ANY_TEXT, st.lists(st.integers(0, 20), max_size=4))
def test_text_that_comes_in_pieces_is_the_same_text(text, cuts):
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in pairwise(places)]

    joined, held = "", ""
    for piece in pieces:
        whole, held = split_open_pair(held + piece)
        joined += clean(whole)

    assert joined == clean(text)
