"""The web addresses of the chat: the page, and what the page asks for beside the WebSocket."""

from __future__ import annotations

from django.urls import URLPattern, path

from conversations.views import chat_page

urlpatterns: list[URLPattern] = [
    path("", chat_page, name="chat"),
]
