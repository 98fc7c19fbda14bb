"""Signing in to the admin leads to the page that was asked for."""

import re

import pytest
from django.test import Client

from conversations.models import User


def sign_in(client: Client, page: str) -> str:
    """Fill in the form as a browser does: the fields it has, sent to where it says."""
    shown = client.get(page)
    form = re.search(r'<form action="([^"]*)" method="post" id="login-form"', shown.text)
    hidden = re.search(
        r'<input type="hidden" name="next" value="([^"]*)" form="login-form"', shown.text
    )
    data = {"username": "root", "password": "correct horse"}
    if hidden:
        data["next"] = hidden[1]
    assert form
    response = client.post(form[1].replace("&amp;", "&"), data)
    assert response.status_code == 302
    return str(response["Location"])


@pytest.mark.parametrize(
    ("asked", "reached"),
    [
        ("/admin/login/", "/admin/"),
        ("/admin/login/?next=/admin/scheduling/run/", "/admin/scheduling/run/"),
        ("/admin/login/?next=/", "/"),
        ("/admin/login/?next=https://example.org/", "/"),
    ],
)
def test_signing_in_leads_on(client: Client, db: None, asked: str, reached: str) -> None:
    User.objects.create_superuser("root", password="correct horse")

    assert sign_in(client, asked) == reached


def test_a_wrong_password_keeps_the_destination(client: Client, db: None) -> None:
    page = client.post(
        "/admin/login/?next=/admin/scheduling/run/", {"username": "root", "password": "wrong"}
    )

    assert page.status_code == 200
    assert "/admin/scheduling/run/" in page.text


def test_the_login_page_speaks_chinese(client: Client, db: None) -> None:
    page = client.get("/admin/login/", headers={"Accept-Language": "zh-CN"})

    assert "欢迎回到" in page.text
    assert "BotFlow" in page.text
