"""The web addresses of the chat: the page, and what the page asks for beside the WebSocket."""

from __future__ import annotations

from django.urls import URLPattern, path

from conversations.conversation_views import conversation, conversations, export, search
from conversations.embedding import embed_page, embed_script
from conversations.sharing_views import share, shared_page
from conversations.upload_views import media, uploads
from conversations.views import chat_page

urlpatterns: list[URLPattern] = [
    path("", chat_page, name="chat"),
    path("c/<uuid:wanted>", chat_page, name="conversation"),
    path("api/conversations", conversations, name="conversations"),
    path("api/conversations/<uuid:name>", conversation, name="conversation_api"),
    path("api/conversations/<uuid:name>/export", export, name="export"),
    # Not found where BOTFLOW_SHARING is false.
    path("api/conversations/<uuid:name>/share", share, name="share"),
    path("shared/<str:token>", shared_page, name="shared"),
    path("api/search", search, name="search"),
    path("api/uploads", uploads, name="uploads"),
    path("media/<uuid:uuid>-<str:signature>/<str:name>", media, name="media"),
    # Not found unless BOTFLOW_EMBED_ORIGINS names a site.
    path("embed", embed_page, name="embed"),
    path("embed.js", embed_script, name="embed_script"),
]
