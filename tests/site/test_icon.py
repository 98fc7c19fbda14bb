"""The icon is found at the address that browsers ask unless a page names another."""

from django.test import Client


def test_the_icon_is_found_where_browsers_look_for_it() -> None:
    answer = Client().get("/favicon.ico", follow=True)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert b"<svg" in b"".join(answer.streaming_content)


def test_the_icon_loosens_no_policy() -> None:
    page, icon = Client().get("/health/nothing"), Client().get("/favicon.ico")

    policy = "Content-Security-Policy"
    assert icon.headers[policy] == page.headers[policy] != ""
