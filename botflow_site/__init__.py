"""The Django project: settings, URLs, ASGI application, health; it composes the apps and decides nothing."""
