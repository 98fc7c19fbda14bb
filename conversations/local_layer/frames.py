"""What travels between the processes: frames, and the packed messages inside them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgpack


class Frame(NamedTuple):
    """A packed message for a channel or for a group."""

    is_group: bool
    name: str
    body: bytes


class FrameReader:
    """Cuts a stream into frames; what is not yet taken stays for the next iteration."""

    def __init__(self) -> None:
        # No limit: a frame's size is its sender's business, who is this program too.
        self._unpacker = msgpack.Unpacker(max_buffer_size=0, unicode_errors="surrogatepass")

    def feed(self, data: bytes) -> None:
        self._unpacker.feed(data)

    def __iter__(self) -> Iterator[Frame]:
        """Raises ValueError or TypeError for what another program may have sent."""
        for is_group, name, body in self._unpacker:
            if not isinstance(body, bytes):
                raise TypeError("The body of a frame is packed.")
            yield Frame(is_group, name, body)


def pack_frame(frame: Frame) -> bytes:
    packed: bytes = msgpack.packb(frame, unicode_errors="surrogatepass")
    return packed


def pack_message(message: dict[str, Any]) -> bytes:
    """Raises TypeError for what msgpack does not hold, whether or not anybody listens."""
    if not isinstance(message, dict):
        raise TypeError("A channel layer's message is a dict.")
    packed: bytes = msgpack.packb(message, unicode_errors="surrogatepass")
    return packed


def unpack_message(body: bytes) -> dict[str, Any]:
    message: dict[str, Any] = msgpack.unpackb(
        body, strict_map_key=False, unicode_errors="surrogatepass"
    )
    return message
