"""The ASGI application: HTTP to Django, WebSockets to the chat; what daphne or uvicorn serves."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "botflow_site.settings")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter
from django.conf import settings

from botflow_site import daphne_limits
from botflow_site.checks import refuse_to_start_with_errors
from conversations.routing import websocket_application
from scheduling.processes import raise_file_limit

refuse_to_start_with_errors()
raise_file_limit()
daphne_limits.install(
    max_frame_bytes=settings.BOTFLOW_MAX_FRAME_BYTES,
    max_unsent_bytes=settings.BOTFLOW_MAX_UNSENT_BYTES,
    # The longest that any page sends is a file; the rest of its request is small.
    max_body_bytes=settings.BOTFLOW_MAX_UPLOAD_BYTES + 4_194_304,
)

application = ProtocolTypeRouter({"http": django_application, "websocket": websocket_application})
