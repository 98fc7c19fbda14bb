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
        text, at = self._held + piece, 0
        while True:
            if self._is_thinking:
                end = text.find(_END, at)
                if end < 0:
                    self._held = text[max(at, len(text) - len(_END) + 1) :]
                    return ""
                self._is_thinking, at = False, end + len(_END)
            while text[at : at + 1].isspace():
                at += 1
            if not text.startswith(_BEGIN, at):
                break
            self._is_thinking, at = True, at + len(_BEGIN)
        self._held = text[at:]
        return "" if _BEGIN.startswith(self._held) else self._let_go()

    def end(self) -> str:
        """Return what was held back and is no thought after all."""
        return "" if self.has_begun or self._is_thinking or not self._held else self._let_go()

    def _let_go(self) -> str:
        self.has_begun, text, self._held = True, self._held, ""
        return text
