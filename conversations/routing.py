"""The WebSocket URLs; an unknown one is refused quietly instead of with a traceback."""

from typing import Any

from channels.routing import URLRouter
from django.urls import path, re_path

from conversations.consumers import ChatConsumer


async def refuse(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 4404})


# Typed as Any: Django's stubs know only views.
chat: Any = ChatConsumer.as_asgi()
unknown: Any = refuse

websocket_application = URLRouter([path("ws/chat", chat), re_path(r"", unknown)])
