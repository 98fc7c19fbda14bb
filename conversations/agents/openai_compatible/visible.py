"""The text of an answer that is shown: without the thoughts that some servers put before it."""

from __future__ import annotations

_BEGIN, _END = "<think>", "</think>"


class Visible:
    """Passes text on, but for blanks and sections `<think>…</think>` at its very beginning.

    What may become such a section is held back until that is known.
    """

    def __init__(self) -> None:
        self.has_begun = False
        self._is_thinking = False
        self._held = ""

    def take(self, piece: str) -> str:
        """Return what of the text so far can be shown now and was not yet."""
        if self.has_begun:
            return piece
        self._held += piece
        while True:
            if self._is_thinking:
                _thought, end, rest = self._held.partition(_END)
                if not end:
                    self._held = self._held[1 - len(_END) :]
                    return ""
                self._is_thinking, self._held = False, rest
            self._held = self._held.lstrip()
            if not self._held.startswith(_BEGIN):
                break
            self._is_thinking, self._held = True, self._held[len(_BEGIN) :]
        return "" if _BEGIN.startswith(self._held) else self._let_go()

    def end(self) -> str:
        """Return what was held back and is no thought after all."""
        return "" if self.has_begun or self._is_thinking or not self._held else self._let_go()

    def _let_go(self) -> str:
        self.has_begun, text, self._held = True, self._held, ""
        return text
