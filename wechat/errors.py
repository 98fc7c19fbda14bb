"""What WeChat's interface answers when it refuses, and how each refusal is reacted to."""

from __future__ import annotations

import re
from enum import Enum

from django.utils.translation import gettext as _

_RID = re.compile(r"\brid:\s*([0-9A-Za-z-]+)")
_HINT = re.compile(r",?\s*hints?:\s*\[[^\]]*\]")
# Characters of WeChat's own words that are kept.
LONGEST_MESSAGE = 200


class Reaction(Enum):
    """What to do about an error code."""

    RETRY = "try again with growing pauses, three times at most"
    TOKEN = "fetch a new access token once and try again once"  # noqa: S105  a sentence
    CONFIGURATION = "stop asking and tell the owner"
    WINDOW_CLOSED = "keep it until the follower writes: 48 hours are over, or they left"
    QUOTA_USED = "keep it until the follower writes: the messages of this window are used up"
    TOO_LONG = "split smaller once"
    DAY_LIMIT = "send nothing until midnight in Shanghai"
    MINUTE_LIMIT = "send nothing for a minute"
    NOT_ALLOWED = "the account can only reply: remember that"
    REFUSED = "give up: this follower cannot be written to"
    BLOCKED = "send nothing and tell the owner"
    MEDIA = "upload again once"
    DECLINED = "give up this template message: the follower does not want it"
    IGNORE = "nothing went wrong that matters"
    BUG = "give up: the same again would fail again"


# Source: developers.weixin.qq.com, "Global return codes" and the pages of the single interfaces,
# read 2026-11-22. A code that is not here is a BUG.
_REACTIONS = {
    -1: Reaction.RETRY,
    40001: Reaction.TOKEN,
    40014: Reaction.TOKEN,
    41001: Reaction.TOKEN,
    42001: Reaction.TOKEN,
    40002: Reaction.CONFIGURATION,
    40013: Reaction.CONFIGURATION,
    40125: Reaction.CONFIGURATION,
    40164: Reaction.CONFIGURATION,
    40243: Reaction.CONFIGURATION,
    41002: Reaction.CONFIGURATION,
    41004: Reaction.CONFIGURATION,
    89501: Reaction.CONFIGURATION,
    89503: Reaction.CONFIGURATION,
    89506: Reaction.CONFIGURATION,
    89507: Reaction.CONFIGURATION,
    45015: Reaction.WINDOW_CLOSED,
    45047: Reaction.QUOTA_USED,
    45002: Reaction.TOO_LONG,
    45009: Reaction.DAY_LIMIT,
    45011: Reaction.MINUTE_LIMIT,
    48001: Reaction.NOT_ALLOWED,
    40003: Reaction.REFUSED,
    43004: Reaction.REFUSED,
    43019: Reaction.REFUSED,
    48002: Reaction.REFUSED,
    48004: Reaction.BLOCKED,
    50001: Reaction.BLOCKED,
    50002: Reaction.BLOCKED,
    40007: Reaction.MEDIA,
    43101: Reaction.DECLINED,
    45072: Reaction.IGNORE,
    45080: Reaction.IGNORE,
    45081: Reaction.IGNORE,
    40033: Reaction.BUG,
    47001: Reaction.BUG,
    47003: Reaction.BUG,
}


def reaction(code: int) -> Reaction:
    """Return what to do about an error code of WeChat's."""
    return _REACTIONS.get(code, Reaction.BUG)


class WeChatError(Exception):
    """A call that did not succeed. Its text is for people and never holds a secret."""


class Unreachable(WeChatError):
    """Nothing was sent: the call can be made again."""


class Unknown(WeChatError):
    """The call may have been carried out: what must not happen twice must not be sent again."""


class ApiError(WeChatError):
    """WeChat's clear refusal: `code`, `message` in its own words, `rid` for its support."""

    def __init__(self, code: int, message: str = "", rid: str = "") -> None:
        self.code = code
        self.message = message
        self.rid = rid
        text = (
            _("WeChat answered %(code)s: %(message)s") if message else _("WeChat answered %(code)s")
        )
        super().__init__(
            text % {"code": code, "message": message} + (f" (rid {rid})" if rid else "")
        )

    @classmethod
    def from_answer(cls, code: int, text: object, *, hide: tuple[str, ...] = ()) -> ApiError:
        """Read an `errmsg`; whatever of `hide` is in it is left out."""
        words = text if isinstance(text, str) else ""
        for secret in filter(None, hide):
            words = words.replace(secret, "…")
        found = _RID.search(words)
        words = _HINT.sub("", _RID.sub("", words))
        words = "".join(letter if letter.isprintable() else " " for letter in words)
        words = " ".join(words.split()).rstrip(" ,;:.")
        return cls(code, words[:LONGEST_MESSAGE], found[1][:64] if found else "")

    @property
    def reaction(self) -> Reaction:
        return reaction(self.code)
