"""A Channels channel layer across the processes of one machine, without a server between."""

from conversations.local_layer.layer import LocalChannelLayer

__all__ = ["LocalChannelLayer"]
