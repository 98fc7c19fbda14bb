"""The Django project: settings, URLs, ASGI application, health; composes, decides nothing."""
