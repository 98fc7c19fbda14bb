"""Replies: the XML of a passive text reply, whatever characters its text is made of."""

from __future__ import annotations

import re
from datetime import datetime

from conversations.texts import clean

# Control characters and non-characters, which XML does not allow or receivers do not show.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufffe\uffff]")


def text_reply(to: str, sender: str, text: str, *, now: datetime) -> str:
    """Return the XML with which a request is answered. `sender` is the account's own id.

    What XML cannot carry is left out of the text.
    """
    return (
        "<xml>"
        f"<ToUserName>{_cdata(to)}</ToUserName>"
        f"<FromUserName>{_cdata(sender)}</FromUserName>"
        f"<CreateTime>{int(now.timestamp())}</CreateTime>"
        "<MsgType><![CDATA[text]]></MsgType>"
        f"<Content>{_cdata(text)}</Content>"
        "</xml>"
    )


def _cdata(text: str) -> str:
    # A `]]>` would end the section: it is cut in two.
    return f"<![CDATA[{_printable(text).replace(']]>', ']]]]><![CDATA[>')}]]>"


def _printable(text: str) -> str:
    lines = clean(text).replace("\r\n", "\n").replace("\r", "\n")
    return _UNPRINTABLE.sub("", lines)
