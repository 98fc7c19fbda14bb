"""Texts of WeChat: what an agent wrote as WeChat can show it, and the site's own sentences.

The sentences are in the language that is active: a reply's is that of its follower.
"""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext as _

from wechat.unmarking import plain_text

__all__ = [
    "answer_follows_text",
    "holding_text",
    "more_hint",
    "plain_text",
    "sticker_text",
    "too_fast_text",
    "unheard_voice_text",
    "unknown_button_text",
    "unknown_kind_text",
    "video_text",
    "welcome_text",
]


def welcome_text() -> str:
    """Return what a new follower is told: the owner's words, or else the site's own."""
    return settings.WECHAT_WELCOME or _(
        "Hello, nice to meet you! Just write to me. Send /help to see what I can do for you."
    )


def holding_text() -> str:
    """Return what is said when the answer takes longer than WeChat waits."""
    return _("I am still thinking. In a little while, send “continue” and you get the answer.")


def answer_follows_text() -> str:
    """Return what is added when an earlier answer is handed over in place of the one asked for."""
    return _("I am still thinking about your last message. Send “continue” to get the answer.")


def more_hint() -> str:
    """Return the line under a reply of which more is kept."""
    return _("(Send “continue” to read on.)")


def too_fast_text() -> str:
    return _("You are faster than I am! Please wait a minute, then write to me again.")


def unheard_voice_text() -> str:
    """Return what is said to a voice message in which WeChat recognized no words."""
    return _("I could not hear what you said. Could you type it for me?")


def video_text() -> str:
    return _("I cannot watch videos yet. Could you tell me in words what it shows?")


def sticker_text() -> str:
    return _("I cannot see this sticker or file, but I am here. What can I do for you?")


def unknown_kind_text() -> str:
    return _("I cannot read this kind of message yet. Could you type it for me?")


def unknown_button_text() -> str:
    """Return what is said to a tap on a menu button that stands for nothing here."""
    return _("This button has not been set up yet. Just write to me instead.")
