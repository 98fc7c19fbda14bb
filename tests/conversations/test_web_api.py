"""The web API knows who asks, turns forged requests down, and says errors like the WebSocket."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, RequestFactory

from conversations.identity import Identity, identity_of, new_visitor

pytestmark = pytest.mark.django_db


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def visiting(client: Client) -> Client:
    """Have the client open the page once, as a browser does."""
    assert client.get("/").status_code == 200
    return client


def test_a_visitor_is_known_by_session_and_by_token() -> None:
    client = visiting(Client())
    other = new_visitor()

    by_session = client.get("/api/conversations")
    by_token = client.get("/api/conversations", headers=bearer(other.token))
    by_address = client.get(f"/api/conversations?token={other.token}")

    assert [each.status_code for each in (by_session, by_token, by_address)] == [200, 200, 200]


def test_nobody_is_told_so() -> None:
    answer = Client().get("/api/conversations")

    assert answer.status_code == 401
    assert answer.json()["code"] == "unknown_visitor"


@pytest.mark.parametrize("token", ["", "nonsense", "visitor:1:x:y"])
def test_a_bad_token_does_not_fall_back_to_the_session(token: str) -> None:
    answer = visiting(Client()).get("/api/conversations", headers=bearer(token))

    assert answer.status_code == 401


def test_where_a_sign_in_is_needed_visitors_are_turned_away(settings: Any) -> None:
    settings.BOTFLOW_CHAT_ACCESS = "login"
    user = get_user_model().objects.create_user("lin")
    client = Client()

    before = client.get("/api/conversations")
    with_visitor = client.get("/api/conversations", headers=bearer(new_visitor().token))
    client.force_login(user)
    after = client.get("/api/conversations")

    assert (before.status_code, before.json()["code"]) == (401, "login_required")
    assert (with_visitor.status_code, after.status_code) == (401, 200)


def test_a_user_who_may_not_sign_in_any_more_holds_no_token() -> None:
    user = get_user_model().objects.create_user("lin", is_active=False)
    request = RequestFactory().get("/", headers=bearer(Identity(f"user:{user.pk}").token))

    assert identity_of(request) is None


def test_a_token_in_the_address_changes_nothing() -> None:
    answer = Client().post(f"/api/conversations?token={new_visitor().token}")

    assert answer.status_code == 401


def test_a_forged_request_is_turned_down_unless_it_has_a_token() -> None:
    client = visiting(Client(enforce_csrf_checks=True))

    forged = client.post("/api/conversations")
    proper = client.post(
        "/api/conversations", headers={"X-CSRFToken": client.cookies["csrftoken"].value}
    )
    with_token = client.post("/api/conversations", headers=bearer(new_visitor().token))

    assert (forged.status_code, forged.json()["code"]) == (403, "forged")
    assert (proper.status_code, with_token.status_code) == (201, 201)


@pytest.mark.parametrize("body", ["[]", "{", "[" * 100_000, '"x"', "\xff"])
def test_a_body_that_is_no_object_is_named(body: str) -> None:
    client = visiting(Client())
    made = client.post("/api/conversations").json()["id"]

    answer = client.patch(f"/api/conversations/{made}", body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def test_an_unknown_method_is_named() -> None:
    answer = visiting(Client()).put("/api/conversations")

    assert (answer.status_code, answer.json()["code"]) == (405, "bad_method")
