"""What a stream of messages says to the user: each word once, in order, nothing but the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

_ASSISTANT = {"ai", "AIMessageChunk", "AIMessage", "assistant"}
_USER = {"human", "HumanMessage", "user"}
_TEXT_BLOCKS = {"text", "output_text", "text_delta"}
_ANONYMOUS = "anonymous"

#: Returns one key for all ids of a message.
KeyOf = Callable[[str | None], str | None]


def field(message: Any, name: str) -> Any:
    """Return a field of a message object, or of the dict that a remote graph sends instead."""
    return message.get(name) if isinstance(message, dict) else getattr(message, name, None)


def _kinds(message: Any) -> set[str]:
    found = (field(message, "type"), field(message, "role"))
    return {kind for kind in found if isinstance(kind, str)}


def is_message(value: Any) -> bool:
    """Tell a message of any kind from other values; a `Chunk` of state is none."""
    return bool(_kinds(value)) and field(value, "content") is not None


def is_reply(message: Any) -> bool:
    """Tell a message of the assistant from the user's, a tool's or the system's."""
    return bool(_kinds(message) & _ASSISTANT)


def is_user(message: Any) -> bool:
    """Tell a message of the user."""
    return bool(_kinds(message) & _USER)


def is_piece(message: Any) -> bool:
    """Tell a delta of a message from a whole one."""
    return "AIMessageChunk" in _kinds(message)


def is_last(message: Any) -> bool:
    """Tell the piece after which its message has no more."""
    return field(message, "chunk_position") == "last"


def text_of(message: Any) -> str:
    """Return the words of a message: of content blocks only those of text, no reasoning."""
    content = field(message, "content")
    if isinstance(content, str):
        return content
    return "".join(_block_text(block) for block in content or ())


def _block_text(block: Any) -> str:
    if isinstance(block, str):
        return block
    text = block.get("text") if isinstance(block, dict) else None
    return text if isinstance(text, str) and block.get("type", "text") in _TEXT_BLOCKS else ""


@dataclass(frozen=True, slots=True)
class Given:
    """What the agent was given: states bring it back, and it is not to be said again."""

    ids: frozenset[str]
    text: str

    def after(self, messages: Sequence[Any]) -> list[Any]:
        """Return the assistant's messages of a state that are new in this turn."""
        start = 0
        for place, message in enumerate(messages):
            if self._is_mine(message):
                start = place + 1
        return [one for one in messages[start:] if is_reply(one)]

    def _is_mine(self, message: Any) -> bool:
        if field(message, "id") in self.ids:
            return True
        return is_user(message) and text_of(message) == self.text


class Words:
    """Puts what several messages say one after the other, with a blank line between them.

    Pieces of a message that comes beside another one, from a node that runs in parallel, wait
    until that one is over.
    """

    def __init__(self, given: Given) -> None:
        self._given = given
        # In pieces: a long reply is not copied anew with each of them.
        self._said: dict[str, list[str]] = {}
        self._held: dict[str, list[str]] = {}
        self._open: str | None = None
        self._over: set[str] = set()

    @property
    def is_empty(self) -> bool:
        return not any(piece.strip() for said in self._said.values() for piece in said)

    def add_piece(self, text: str, key: str | None = None, *, is_last: bool = False) -> str:
        """Return what is to be shown now that this piece of the message `key` has come."""
        key = key or _ANONYMOUS
        shown = self._go_on() if self._open in self._over and self._open != key else ""
        if text and self._open in (None, key):
            self._open = key
            shown += self._say(key, text)
        elif text:
            self._held.setdefault(key, []).append(text)
        if is_last:
            self._over.add(key)
            if key == self._open:
                shown += self._go_on()
        return shown

    def give_up(self, key: str) -> None:
        """Have nothing wait for the rest of a message whose model has failed."""
        self._over.add(key)

    def add_state(self, messages: Sequence[Any], key_of: KeyOf = lambda found: found) -> str:
        """Return what a whole state says beyond what was shown; every message in it is over."""
        shown = self.flush()
        for place, message in enumerate(self._given.after(messages)):
            key = key_of(field(message, "id")) or f"{_ANONYMOUS} {place}"
            shown += self._add_whole(key, text_of(message))
        return shown

    def add_message(self, message: Any, key: str | None = None) -> str:
        """Return what a message says that came alone; without an id it may be a piece or grow."""
        text, key = text_of(message), key or field(message, "id") or _ANONYMOUS
        if is_piece(message):
            return self.add_piece(text, key, is_last=is_last(message))
        said = self._text(key)
        if said and key == _ANONYMOUS and not text.startswith(said):
            return self.add_piece(text, key)
        return self.flush() + self._add_whole(key, text)

    def flush(self) -> str:
        """Return what still waits; nothing is open afterwards."""
        shown = ""
        while self._open is not None:
            self._over.add(self._open)
            shown += self._go_on()
        return shown

    def _add_whole(self, key: str, text: str) -> str:
        said = self._text(key)
        if said and text.startswith(said):
            return self._say(key, text[len(said) :])
        # Under another id: a node that makes a message of its own of what the model streamed.
        is_known = text.strip() in (self._text(other).strip() for other in self._said)
        return "" if said or is_known or not text.strip() else self._say(key, text)

    def _go_on(self) -> str:
        """Show what was held back, until a message that is not over yet is open again."""
        shown, self._open = "", None
        while self._held and self._open is None:
            key = next(iter(self._held))
            shown += self._say(key, "".join(self._held.pop(key)))
            self._open = None if key in self._over else key
        return shown

    def _say(self, key: str, text: str) -> str:
        is_new = key not in self._said
        gap = "\n\n" if text and is_new and not self.is_empty else ""
        self._said.setdefault(key, []).append(text)
        return gap + text

    def _text(self, key: str) -> str:
        return "".join(self._said.get(key, ()))


def messages_in(value: Any) -> list[Any] | None:
    """Return the messages of a state, an update or a list of messages; None where it has none."""
    if is_message(value):
        return [value]
    if isinstance(value, (list, tuple)):
        return list(value) if value and all(is_message(one) for one in value) else None
    found = field(value, "messages")
    if found is None:
        return None
    return list(found) if isinstance(found, Iterable) and not is_message(found) else [found]
