"""Reply XML: whatever an agent says arrives as text, and never as XML of its own."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wechat.vectors import NOW, OPENID, ORIGINAL_ID
from wechat.reply_xml import text_reply
from wechat.xml_in import read_xml


def content_of(text: str) -> object:
    return read_xml(text_reply(OPENID, ORIGINAL_ID, text, now=NOW).encode())["Content"]


def test_a_reply_has_the_fields_of_a_passive_text_message():
    fields = read_xml(text_reply(OPENID, ORIGINAL_ID, "你好", now=NOW).encode())

    assert fields == {
        "ToUserName": OPENID,
        "FromUserName": ORIGINAL_ID,
        "CreateTime": str(int(NOW.timestamp())),
        "MsgType": "text",
        "Content": "你好",
    }


@pytest.mark.parametrize(
    "text",
    [
        "x]]></Content><MsgType><![CDATA[image]]></MsgType><Content><![CDATA[",
        "a[b[0]]>c",
        "]]>",
        "]]]]>>",
        "]]>]]>]]>",
        "]]",
        '<a href="https://example.com/?a=1&b=2">text</a>',
        "&lt; & &#0;",
        "第一行\n\n\t第二行",
        "👨‍👩‍👧‍👦 🇨🇳 👍🏽",
        "",
    ],
)
def test_text_arrives_as_it_was_said(text):
    assert content_of(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\0b", "ab"),
        ("a\x01\x08\x0b\x0c\x0e\x1f\x7f\x9fb", "ab"),
        ("a\ufffe\uffffb", "ab"),
        ("a\ud800b", "ab"),
        ("a\udc00b", "ab"),
        ("\ud83d\ude00", "😀"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("]]\x00>", "]]>"),
        ("]\ud800]>", "]]>"),
    ],
)
def test_what_xml_cannot_carry_is_left_out(text, shown):
    assert content_of(text) == shown


@given(st.text(st.characters(), max_size=80) | st.text("]>[<!&\r\n\0\ud800a", max_size=30))
def test_any_text_is_a_reply_of_five_fields(text):
    xml = text_reply(OPENID, ORIGINAL_ID, text, now=NOW)

    fields = read_xml(xml.encode())
    assert len(fields) == 5
    said = re.sub(r"[^\x20-\x7e\u00a0-\ud7ff]", "", text)
    assert re.sub(r"[^\x20-\x7e\u00a0-\ud7ff]", "", str(fields["Content"])) == said
