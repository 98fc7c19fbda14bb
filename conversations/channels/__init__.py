"""Channels: the surfaces conversations live on, named by `BOTFLOW_CHANNELS`."""

from conversations.channels.contract import (
    Channel,
    DeliveryError,
    DeliveryHeld,
    DeliveryUnknown,
    OpenedFile,
)
from conversations.channels.loading import get_channel

__all__ = [
    "Channel",
    "DeliveryError",
    "DeliveryHeld",
    "DeliveryUnknown",
    "OpenedFile",
    "get_channel",
]
