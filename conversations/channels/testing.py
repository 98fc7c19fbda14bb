"""Channels for tests: they keep what they are given, and fail as they are told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from conversations.channels.contract import Channel
from conversations.frames import Frame
from conversations.models import Message


class RecordingChannel(Channel):
    """Keeps the frames it is to show, as a surface that reads rows and streams.

    `frames` are what readers would see, in order; `seqs` the changes they would know of after
    each, the frames without text included.
    """

    name = "recording"
    reads_rows = True
    streams = True

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.seqs: list[int] = []

    async def deliver(self, message: Message) -> None:
        """Do nothing: its readers read rows."""

    async def show(self, conversation: UUID, frames: Sequence[Frame]) -> None:
        self.seqs += [frame.seq for frame in frames]
        self.frames += [json.loads(frame.text) for frame in frames if frame.text]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] == kind]


class PostingChannel(Channel):
    """Keeps the texts it delivers, as a provider that takes finished messages only.

    Each delivery takes one of `failures` first, while there are any, and raises it.
    """

    name = "posting"
    max_attempts = 3

    def __init__(self) -> None:
        self.delivered: list[str] = []
        self.failures: list[Exception] = []

    async def deliver(self, message: Message) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.delivered.append(message.content)
        message.provider_id = f"posted-{len(self.delivered)}"
