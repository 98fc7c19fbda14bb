"""Finds the channel of a name in `BOTFLOW_CHANNELS`."""

from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from conversations.channels.contract import Channel


@cache
def get_channel(name: str) -> Channel:
    """Return the channel, built once per process; raise ImproperlyConfigured when it is none."""
    path = settings.BOTFLOW_CHANNELS.get(name)
    if path is None:
        raise ImproperlyConfigured(f"BOTFLOW_CHANNELS has no channel named {name!r}.")
    try:
        found = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(
            f"BOTFLOW_CHANNELS: {path!r} cannot be imported: {error}."
        ) from error
    if not (isinstance(found, type) and issubclass(found, Channel)):
        raise ImproperlyConfigured(f"BOTFLOW_CHANNELS: {path!r} is not a subclass of Channel.")
    return found()
