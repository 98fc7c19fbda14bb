"""Identity: a token makes a client the same person again, and cannot be made up."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.core import signing

from conversations.identity import (
    Identity,
    from_session,
    from_token,
    new_visitor,
    remember_visitor,
)


def test_a_token_brings_the_same_person_back():
    someone = new_visitor()

    assert from_token(someone.token) == someone


def test_visitors_are_strangers_to_each_other():
    assert new_visitor() != new_visitor()
    assert new_visitor().first_conversation != new_visitor().first_conversation


def test_the_first_conversation_of_a_person_is_always_the_same():
    assert Identity("visitor:1").first_conversation == Identity("visitor:1").first_conversation
    assert str(Identity("user:7").first_conversation) == "8a121e76-8380-5cc4-860c-34f8d7e29f42"


def test_a_token_that_was_changed_anywhere_is_none():
    token = new_visitor().token

    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        # The last character of each part carries bits that are not read.
        assert from_token(changed) in (None, from_token(token))
    assert from_token(token[::-1]) is None


@pytest.mark.parametrize("token", ["", "x", ":", "::", "a:b:c", "é", "\0", "😀:1:2", "x" * 100_000])
def test_what_is_no_token_is_none(token):
    assert from_token(token) is None


def test_what_was_signed_for_another_purpose_is_none():
    assert from_token(signing.dumps("user:1")) is None
    assert from_token(signing.dumps("user:1", salt="another")) is None


def test_a_token_of_another_secret_is_none(settings):
    token = new_visitor().token
    settings.SECRET_KEY = "another"

    assert from_token(token) is None


def test_a_session_remembers_its_visitor():
    session: dict[str, str] = {}

    first, again = remember_visitor(session), remember_visitor(session)

    assert first == again == session["visitor"]
    assert from_session(session, None) == Identity(f"visitor:{first}")


def test_who_is_signed_in_is_no_visitor():
    assert from_session({"visitor": "v"}, "7") == Identity("user:7")


def test_a_session_without_a_visitor_is_nobodys():
    assert from_session({}, None) is None
    assert from_session(SimpleNamespace(get=lambda key: None), None) is None
