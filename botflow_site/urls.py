"""The URLs of the site."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, include, path
from django.utils.functional import lazy
from django.views.generic import RedirectView
from django.views.i18n import JavaScriptCatalog, set_language

from botflow_site.health import health, metrics
from wechat.views import webhook

# Late: the address depends on the path that the site is served under.
icon = lazy(static, str)("conversations/favicon.svg")

handler500 = "botflow_site.brand_views.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("conversations.urls")),
    path("health", health, name="health"),
    path("metrics", metrics, name="metrics"),
    path("login", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout", LogoutView.as_view(next_page="chat"), name="logout"),
    path("language", set_language, name="set_language"),
    path("", include("botflow_site.brand_urls")),
    # Browsers ask for it beside what is no page and names no icon of its own.
    path("favicon.ico", RedirectView.as_view(url=icon), name="icon"),
    # Before the admin's own at this address, whose Chinese is incomplete.
    path(
        "admin/jsi18n/",
        JavaScriptCatalog.as_view(packages=["django.contrib.admin", "botflow_site"]),
    ),
    path("admin/", admin.site.urls),
    # Not found unless WECHAT_TOKEN is set.
    path(settings.WECHAT_PATH.strip("/"), webhook, name="wechat"),
]
