"""Every page but the admin's may load only files of this site, and run no inline code."""

from collections.abc import Iterator

import pytest
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import include, path

STRICT = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "font-src": "'self'",
    "manifest-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("page")


def own_policy(request: HttpRequest) -> HttpResponse:
    return HttpResponse("page", headers={"Content-Security-Policy": "sandbox"})


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken")


def admin_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("admin page")


class BareAdmin(AdminSite):
    """An admin whose pages need no database."""

    def get_urls(self) -> list:  # type: ignore[type-arg]
        return [path("page/", admin_page)]


urlpatterns = [
    path("", page),
    path("own/", own_policy),
    path("broken/", broken),
    path("admin-like/", page),
    path("admin/", BareAdmin().urls),
    path("", include("botflow_site.brand_urls")),  # named on every page
]


@pytest.fixture(autouse=True)
def _only_this_middleware() -> Iterator[None]:
    with override_settings(
        ROOT_URLCONF=__name__, MIDDLEWARE=["botflow_site.middleware.ContentSecurityPolicy"]
    ):
        yield


def policy(response: HttpResponse) -> dict[str, str]:
    directives = response.headers["Content-Security-Policy"].split("; ")
    return dict(directive.split(" ", 1) for directive in directives)


@pytest.mark.parametrize("address", ["/", "/admin-like/", "/nowhere/", "/admin/nowhere/"])
def test_a_page_gets_the_strict_policy(address: str) -> None:
    response = Client().get(address)

    assert policy(response) == STRICT


def test_an_error_page_gets_the_strict_policy() -> None:
    response = Client(raise_request_exception=False).get("/broken/")

    assert response.status_code == 500
    assert policy(response) == STRICT


def test_the_admin_may_run_inline_code_but_loads_nothing_from_elsewhere() -> None:
    sources = policy(Client().get("/admin/page/"))

    assert sources.pop("script-src") == "'self' 'unsafe-inline' 'unsafe-eval'"
    assert sources.pop("style-src") == "'self' 'unsafe-inline'"
    assert sources.items() < STRICT.items()


def test_a_policy_of_the_view_itself_stays() -> None:
    assert Client().get("/own/").headers["Content-Security-Policy"] == "sandbox"


async def test_an_asynchronous_server_sends_it_too() -> None:
    assert policy(await AsyncClient().get("/")) == STRICT
