"""A site that wants its visitors known has them sign in on a page of its own."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def visitors_must_sign_in(settings: Any) -> None:
    settings.BOTFLOW_CHAT_ACCESS = "login"


def test_a_stranger_is_sent_to_the_sign_in_page(client: Client) -> None:
    response = client.get("/")

    assert response.status_code == 302
    assert response["Location"] == "/login?next=/"


def test_a_person_without_staff_rights_signs_in_and_comes_back(client: Client) -> None:
    get_user_model().objects.create_user("wang", password="a long enough one")

    answer = {"username": "wang", "password": "a long enough one", "next": "/"}
    response = client.post("/login", answer)

    assert (response.status_code, response["Location"]) == (302, "/")
    assert client.get("/").status_code == 200


def test_a_wrong_password_says_so_without_telling_who_exists(client: Client) -> None:
    get_user_model().objects.create_user("wang", password="a long enough one")

    pages = [
        client.post("/login", {"username": name, "password": "wrong"}).content.decode()
        for name in ("wang", "nobody")
    ]

    assert all('role="alert"' in page for page in pages)
    assert "wrong" not in pages[0]


def test_the_page_does_not_lead_to_another_site(client: Client) -> None:
    get_user_model().objects.create_user("wang", password="a long enough one")

    answer = {"username": "wang", "password": "a long enough one", "next": "https://evil.example/"}

    assert client.post("/login", answer)["Location"] == "/"


def test_the_page_speaks_chinese(client: Client) -> None:
    page = client.get("/login", headers={"accept-language": "zh-CN"}).content.decode()

    assert "登录" in page
