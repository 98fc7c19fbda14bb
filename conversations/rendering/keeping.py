"""Remembers the HTML of texts that were rendered lately, by its bytes and not by its number."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b

# Of an entry beside its HTML: the key, the two objects, their place in the table.
ENTRY_BYTES = 250


class Kept:
    """Calls `make` for what it does not remember; forgets first what was not asked for longest.

    Two threads that ask for the same text at once may both make it, which harms nothing.
    """

    def __init__(self, make: Callable[[str], str], *, most_bytes: int) -> None:
        self.make = make
        self.most_bytes = most_bytes
        self.bytes = 0
        self._html: OrderedDict[bytes, str] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, text: str) -> str:
        key = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        with self._lock:
            if (known := self._html.get(key)) is not None:
                self._html.move_to_end(key)
                return known
        html = self.make(text)
        self._remember(key, html)
        return html

    def clear(self) -> None:
        with self._lock:
            self._html.clear()
            self.bytes = 0

    def _remember(self, key: bytes, html: str) -> None:
        size = _size(html)
        # One text must not push out a fourth of the others.
        if size > self.most_bytes // 4:
            return
        with self._lock:
            if key in self._html:
                return
            self._html[key] = html
            self.bytes += size
            while self.bytes > self.most_bytes:
                self.bytes -= _size(self._html.popitem(last=False)[1])


def _size(html: str) -> int:
    # Beyond Latin-1 a string takes two bytes a character in memory, with emoji four.
    return len(html) * (1 if html.isascii() else 4) + ENTRY_BYTES
