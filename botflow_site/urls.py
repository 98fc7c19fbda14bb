"""The URLs of the site."""

from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import URLPattern, URLResolver, path
from django.views.i18n import set_language

from botflow_site.health import health, metrics
from conversations.views import chat_page

urlpatterns: list[URLPattern | URLResolver] = [
    path("", chat_page, name="chat"),
    path("health", health, name="health"),
    path("metrics", metrics, name="metrics"),
    path("login", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("language", set_language, name="set_language"),
    path("admin/", admin.site.urls),
]
