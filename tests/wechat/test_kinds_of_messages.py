"""Kinds of messages: what each becomes as something that arrived, and what is said to it."""

from __future__ import annotations

import pytest

from conversations.models import Message
from tests.wechat.vectors import OPENID, arrived, in_english, message, named
from wechat import texts
from wechat.kinds import Kind, Window

PAYLOADS = named("payloads")
EXPECTED = {
    "agent_turn": Kind.QUESTION,
    "agent_turn_or_unsupported": Kind.QUESTION,
    "media_or_notice": Kind.NOTICE,
    "welcome": Kind.WELCOME,
    "success": Kind.EVENT,
    "success_no_agent": Kind.EVENT,
    "record_delivery_failure": Kind.EVENT,
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_published_payloads_are_of_their_kind(name):
    payload = PAYLOADS[name]

    arrival = arrived(payload["xml"])

    assert arrival.kind == EXPECTED[payload["expected_reaction"]]
    assert arrival.incoming.channel == "wechat"
    assert arrival.incoming.address == OPENID
    assert arrival.incoming.external_id.startswith(payload["dedup"])
    content = payload["fields"].get("content")
    assert content is None or arrival.incoming.content == content


def test_a_text_is_a_question_in_its_own_words():
    arrival = arrived(message(Content="  第一行\n\n第二行 "))

    assert arrival.kind == Kind.QUESTION
    assert arrival.opens == Window.MESSAGE
    assert arrival.may_reply
    assert arrival.incoming.content == "  第一行\n\n第二行 "
    assert arrival.incoming.content_type == Message.ContentType.TEXT
    assert arrival.incoming.reply is None
    assert arrival.incoming.external_id == "msgid:25429287492206117"
    assert arrival.incoming.locale == "en"
    assert arrival.incoming.timezone == "Asia/Shanghai"


def test_the_choice_from_a_menu_in_a_message_is_a_text():
    arrival = arrived(message(Content="满意", bizmsgmenuid="101"))

    assert (arrival.kind, arrival.incoming.content) == (Kind.QUESTION, "满意")


def test_a_message_from_an_article_is_an_ordinary_one():
    arrival = arrived(message(Content="a", MsgDataId="1", Idx="1"))

    assert (arrival.kind, arrival.incoming.content) == (Kind.QUESTION, "a")


@pytest.mark.parametrize("url", ["http://mmbiz.qpic.cn/a/0", "https://mmbiz.qpic.cn/a/0?b=1&c=2"])
def test_an_image_is_a_question_with_its_address(url):
    arrival = arrived(message("image", PicUrl=url, MediaId="m1"))

    assert arrival.kind == Kind.QUESTION
    assert arrival.incoming.content == "[Image]"
    assert arrival.incoming.content_type == Message.ContentType.IMAGE
    assert arrival.incoming.attachment == url


@pytest.mark.parametrize(
    "url", ["", "ftp://a.cn/b", "javascript:alert(1)", "file:///etc/passwd", "http://a b/", "//a/b"]
)
def test_an_image_without_an_address_of_the_web_is_named_by_its_id(url):
    arrival = arrived(message("image", PicUrl=url, MediaId="m1"))

    assert (arrival.kind, arrival.incoming.attachment) == (Kind.QUESTION, "media:m1")


def test_an_address_that_is_too_long_to_store_is_not_cut():
    arrival = arrived(message("image", PicUrl="https://a.cn/" + "b" * 600, MediaId="m1"))

    assert arrival.incoming.attachment == "media:m1"


def test_an_image_of_which_nothing_is_told_is_answered_politely():
    assert arrived(message("image", PicUrl="", MediaId="m" * 500)).kind == Kind.NOTICE


def test_a_voice_message_asks_what_was_heard():
    arrival = arrived(message("voice", MediaId="v1", Format="amr", Recognition="明天提醒我"))

    assert arrival.kind == Kind.QUESTION
    assert arrival.incoming.content == "明天提醒我"
    assert arrival.incoming.content_type == Message.ContentType.VOICE
    assert arrival.incoming.attachment == "media:v1"


@pytest.mark.parametrize("heard", [{}, {"Recognition": ""}, {"Recognition": " "}])
def test_a_voice_message_that_was_not_understood_is_answered_with_a_notice(heard):
    arrival = arrived(message("voice", MediaId="v1", MediaId16K="v2", Format="speex", **heard))

    assert arrival.kind == Kind.NOTICE
    assert arrival.incoming.content_type == Message.ContentType.VOICE
    assert arrival.incoming.attachment == "media:v1"
    assert arrival.incoming.reply == in_english(texts.unheard_voice_text)


@pytest.mark.parametrize("kind", ["video", "shortvideo"])
def test_a_video_is_answered_with_a_notice(kind):
    arrival = arrived(message(kind, MediaId="v1", ThumbMediaId="t1"))

    assert arrival.kind == Kind.NOTICE
    assert arrival.opens == Window.MESSAGE
    assert arrival.incoming.content_type == Message.ContentType.FILE
    assert arrival.incoming.attachment == "media:v1"
    assert arrival.incoming.reply == in_english(texts.video_text)


@pytest.mark.parametrize(
    ("latitude", "longitude", "label", "content"),
    [
        ("23.134521", "113.358803", "天河路", "[Location] 天河路 (23.134521, 113.358803)"),
        ("-23", "-113.3", "", "[Location] (-23, -113.3)"),
        ("abc", "nan", "天河路 %s", "[Location] 天河路 %s"),
        ("", "", "天河路", "[Location] 天河路"),
    ],
)
def test_a_location_is_a_question_in_words(latitude, longitude, label, content):
    fields = {"Location_X": latitude, "Location_Y": longitude, "Scale": "20", "Label": label}

    arrival = arrived(message("location", **fields))

    assert (arrival.kind, arrival.incoming.content) == (Kind.QUESTION, content)
    assert arrival.incoming.content_type == Message.ContentType.TEXT


def test_a_link_is_a_question_of_its_title_description_and_address():
    fields = {"Title": "标题", "Description": "一个链接", "Url": "https://a.cn/?b=1&c=2#d"}

    arrival = arrived(message("link", **fields))

    assert arrival.kind == Kind.QUESTION
    assert arrival.incoming.content == "标题\n一个链接\nhttps://a.cn/?b=1&c=2#d"


@pytest.mark.parametrize(
    ("xml", "content"),
    [
        (message(Content=""), "[text]"),
        (message(Content=" \n"), "[text]"),
        (message("miniprogrampage", Title="小程序", AppId="wx1", PagePath="a"), "小程序"),
        (message("file", Title="报告.pdf", FileKey="k", FileTotalLen="1"), "报告.pdf"),
        (message("sticker"), "[sticker]"),
        (message("location", Location_X="", Label=""), "[location]"),
        (message("link", Title="", Url=""), "[link]"),
        (message("something_new", Info="<a><b>1</b></a>"), "[something_new]"),
    ],
)
def test_what_cannot_be_read_is_answered_politely(xml, content):
    arrival = arrived(xml)

    assert arrival.kind == Kind.NOTICE
    assert arrival.may_reply
    assert arrival.opens == Window.MESSAGE
    assert arrival.incoming.content == content
    assert arrival.incoming.reply == in_english(texts.unknown_kind_text)


@pytest.mark.parametrize("brackets", ["【】", "[]"])
def test_a_sticker_is_answered_politely(brackets):
    content = "收到不支持的消息类型，暂无法显示".join(brackets)

    arrival = arrived(message(Content=content))

    assert (arrival.kind, arrival.incoming.content) == (Kind.NOTICE, content)
    assert arrival.incoming.reply == in_english(texts.sticker_text)


def test_a_text_that_quotes_what_wechat_writes_is_a_question():
    arrival = arrived(message(Content="“【收到不支持的消息类型，暂无法显示】”是什么意思？"))

    assert arrival.kind == Kind.QUESTION
