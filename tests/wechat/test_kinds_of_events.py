"""Kinds of events: which are answered, what they tell of followers, and which are silent."""

from __future__ import annotations

import pytest
from django.utils import translation

from conversations.commands.parsing import parse_command
from conversations.models import Message
from tests.wechat.vectors import OPENID, arrived, event, in_english
from wechat import texts
from wechat.kinds import Kind, Window

SCAN = "<ScanType>qrcode</ScanType><ScanResult>https://example.com/?a=1&amp;b=2</ScanResult>"
PICTURES = "<Count>1</Count><PicList><item><PicMd5Sum>5a75</PicMd5Sum></item></PicList>"
PLACE = "<Location_X>23</Location_X><Location_Y>113</Location_Y><Label>a</Label>"
LIST = (
    "<List><TemplateId>t</TemplateId><SubscribeStatusString>accept</SubscribeStatusString></List>"
)
ARTICLES = "<Count>1</Count><ResultList><item><ArticleIdx>1</ArticleIdx></item></ResultList>"
PUBLISHED = "<publish_id>1</publish_id><article_detail><item><idx>1</idx></item></article_detail>"
TICKET = "gQH47joAAAAAAAAAASxodHRwOi8vd2VpeGluLnFxLmNvbS9xL2taZ2Z3"
#: Each event that is stored and never answered, with what its row says.
SILENT = {
    "unsubscribe": (event("unsubscribe", EventKey=""), "unsubscribe"),
    "SCAN": (event("SCAN", EventKey="42", Ticket=TICKET), "scan 42"),
    "LOCATION": (
        event("LOCATION", Latitude="22.543096", Longitude="114.057865", Precision="119.385040"),
        "location (22.543096, 114.057865)",
    ),
    "VIEW": (event("VIEW", EventKey="http://a.cn/", MenuId="1"), "view http://a.cn/"),
    "view_miniprogram": (
        event("view_miniprogram", EventKey="pages/index", MenuId="1"),
        "view_miniprogram pages/index",
    ),
    "scancode_push": (
        event("scancode_push", EventKey="6", ScanCodeInfo=SCAN),
        "scancode_push 6 https://example.com/?a=1&b=2",
    ),
    "scancode_waitmsg": (
        event("scancode_waitmsg", EventKey="6", ScanCodeInfo=SCAN),
        "scancode_waitmsg 6 https://example.com/?a=1&b=2",
    ),
    **{
        name: (event(name, EventKey="6", SendPicsInfo=PICTURES), f"{name} 6")
        for name in ("pic_sysphoto", "pic_photo_or_album", "pic_weixin")
    },
    "location_select": (
        event("location_select", EventKey="6", SendLocationInfo=PLACE),
        "location_select 6",
    ),
    "TEMPLATESENDJOBFINISH": (
        event("TEMPLATESENDJOBFINISH", MsgID="200163836", Status="success"),
        "templatesendjobfinish 200163836 success",
    ),
    "MASSSENDJOBFINISH": (
        event("MASSSENDJOBFINISH", MsgID="1", Status="send success", CopyrightCheckResult=ARTICLES),
        "masssendjobfinish 1 send success",
    ),
    "PUBLISHJOBFINISH": (
        event("PUBLISHJOBFINISH", PublishEventInfo=PUBLISHED),
        "publishjobfinish",
    ),
    "subscribe_msg_popup_event": (
        event("subscribe_msg_popup_event", SubscribeMsgPopupEvent=LIST),
        "subscribe_msg_popup_event",
    ),
    "subscribe_msg_change_event": (
        event("subscribe_msg_change_event", SubscribeMsgChangeEvent=LIST * 3),
        "subscribe_msg_change_event",
    ),
    "subscribe_msg_sent_event": (
        event("subscribe_msg_sent_event", SubscribeMsgSentEvent=LIST),
        "subscribe_msg_sent_event",
    ),
    **{
        name: (event(name), name)
        for name in (
            *("kf_create_session", "kf_close_session", "kf_switch_session"),
            *("qualification_verify_success", "qualification_verify_fail"),
            *("naming_verify_success", "naming_verify_fail", "annual_renew", "verify_expired"),
            *("debug_demo", "something_new"),
        )
    },
}
OPENS_ACTION = {"SCAN", "scancode_push", "scancode_waitmsg"}


@pytest.mark.parametrize(
    ("key", "scene"),
    [
        ("", ""),
        ("qrscene_botflow_invite_42", "botflow_invite_42"),
        ("qrscene_" + "a" * 300, "a" * 200),
        ("last_trade_no_4200001", ""),
    ],
)
def test_a_new_follower_is_welcomed_and_their_scene_remembered(key, scene):
    arrival = arrived(event("subscribe", EventKey=key, Ticket=TICKET))

    assert (arrival.kind, arrival.subscribes, arrival.scene) == (Kind.WELCOME, True, scene)
    assert arrival.opens == Window.ACTION
    assert arrival.may_reply
    assert arrival.incoming.content_type == Message.ContentType.EVENT
    assert arrival.incoming.reply == in_english(texts.welcome_text)


def test_who_unfollows_follows_no_longer():
    assert arrived(event("unsubscribe", EventKey="")).subscribes is False


def test_a_scanned_code_names_its_scene():
    assert arrived(event("SCAN", EventKey="42", Ticket=TICKET)).scene == "42"


@pytest.mark.parametrize("name", SILENT)
def test_an_event_is_stored_and_nothing_is_said(name):
    xml, content = SILENT[name]

    arrival = arrived(xml)

    assert arrival.kind == Kind.EVENT
    assert not arrival.may_reply
    assert arrival.incoming.reply == ""
    assert arrival.incoming.content == content
    assert arrival.incoming.content_type == Message.ContentType.EVENT
    assert arrival.opens == (Window.ACTION if name in OPENS_ACTION else Window.NONE)
    assert arrival.subscribes is (False if name == "unsubscribe" else None)
    assert (arrival.template_result is not None) == (name == "TEMPLATESENDJOBFINISH")


@pytest.mark.parametrize("name", SILENT)
@pytest.mark.parametrize(
    "detail", [{}, {"ScanCodeInfo": "a"}, {"Latitude": "abc", "Longitude": "nan"}]
)
def test_an_event_without_its_details_is_stored_all_the_same(name, detail):
    arrival = arrived(event(name, **detail))

    assert (arrival.kind, arrival.incoming.content) == (Kind.EVENT, name.lower())


@pytest.mark.parametrize("status", ["success", "failed:user block", "failed: system failed"])
def test_the_outcome_of_a_template_message_is_told_and_never_answered(status):
    arrival = arrived(event("TEMPLATESENDJOBFINISH", MsgID="200163836", Status=status))

    assert arrival.template_result == ("200163836", status)
    assert not arrival.may_reply


@pytest.mark.parametrize(
    ("key", "content", "command"),
    [
        ("/help", "/help", "help"),
        ("／帮助", "／帮助", "help"),
        ("/提醒 10分钟后 喝水", "/提醒 10分钟后 喝水", "remind"),
        ("帮助", "/帮助", "help"),
        ("新对话", "/新对话", "new"),
        ("任务", "/任务", "tasks"),
        ("定时任务", "/任务", "tasks"),
        ("停止", "/停止", "stop"),
        ("help", "/help", "help"),
        ("NEW", "/new", "new"),
        (" tasks ", "/tasks", "tasks"),
        ("stop", "/stop", "stop"),
        ("继续", "继续", None),
        ("/继续", "/继续", None),
        ("ask:今天天气如何？", "今天天气如何？", None),
        ("ASK： a:b ", "a:b", None),
    ],
)
def test_a_button_says_what_its_key_says(key, content, command):
    arrival = arrived(event("CLICK", EventKey=key, MenuId="1"))

    assert (arrival.kind, arrival.opens) == (Kind.QUESTION, Window.ACTION)
    assert arrival.incoming.content == content
    assert arrival.incoming.content_type == Message.ContentType.EVENT
    assert arrival.incoming.reply is None
    parsed = parse_command(content)
    assert (parsed.name if parsed else None) == command


@pytest.mark.parametrize("key", ["", "V1001_TODAY_MUSIC", "ask:", "ask: ", "asking:a", "a" * 1000])
def test_a_button_whose_key_nobody_knows_is_answered_with_a_notice(key):
    arrival = arrived(event("CLICK", EventKey=key))

    assert (arrival.kind, arrival.opens) == (Kind.NOTICE, Window.ACTION)
    assert arrival.incoming.reply == in_english(texts.unknown_button_text)
    assert arrival.incoming.content.startswith("click")


def test_events_of_one_second_are_told_apart_by_name_and_key():
    xmls = [
        event("CLICK", EventKey="a"),
        event("CLICK", EventKey="b"),
        event("VIEW", EventKey="a"),
        event("TEMPLATESENDJOBFINISH", MsgID="1", Status="success"),
        event("TEMPLATESENDJOBFINISH", MsgID="2", Status="success"),
        event("CLICK", EventKey="a", CreateTime="1763800001"),
        event("CLICK", EventKey="a", FromUserName="oBotF5yT9Hd4GqNs6VbUkX1rZjWe"),
        *(event("VIEW", EventKey="https://a.cn/" + "b" * 900 + end) for end in "cd"),
    ]

    ids = [arrived(xml).incoming.external_id for xml in xmls]

    assert ids[0] == f"event:{OPENID}:1763800000:click:a"
    assert len(set(ids)) == len(ids)
    assert max(map(len, ids)) == 200
    assert ids == [arrived(xml).incoming.external_id for xml in xmls]


@pytest.mark.parametrize("name", ["MsgType", "Event"])
def test_names_are_read_in_any_case(name):
    upper = {"MsgType": event("CLICK", MsgType="EVENT", EventKey="/help")}.get(name)

    arrival = arrived(upper or event("click", EventKey="/help"))

    assert (arrival.kind, arrival.incoming.content) == (Kind.QUESTION, "/help")


def test_own_sentences_are_in_the_language_of_followers():
    with translation.override("en"):
        arrival = arrived(event("CLICK", EventKey="unknown"), locale="zh-hans")

    with translation.override("zh-hans"):
        assert arrival.incoming.reply == texts.unknown_button_text()
    assert arrival.incoming.locale == "zh-hans"
