"""Reading XML: WeChat's messages become dicts, and whatever else comes is a BadXml at once."""

from __future__ import annotations

import json
import time
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.wechat.vectors import event, message, named
from wechat.xml_in import MAX_DEPTH, MAX_ELEMENTS, SCALARS, BadXml, read_xml

PAYLOADS = named("payloads")
BOMB = "<!DOCTYPE xml [<!ENTITY a '{}'><!ENTITY b '{}'>]><xml><Content>&b;</Content></xml>"
HOSTILE = {
    "empty": b"",
    "blank": b" \n",
    "garbage": b"\x80garbage",
    "words": b"hello",
    "json": json.dumps({"MsgType": "text"}).encode(),
    "html": b"<html><body>hello</body></html>",
    "truncated": message().encode()[:-7],
    "unclosed CDATA": b"<xml><Content><![CDATA[abc</Content></xml>",
    "NUL": b"<xml><Content>a\0b</Content></xml>",
    "NUL in CDATA": b"<xml><Content><![CDATA[\0]]></Content></xml>",
    "NUL as a reference": b"<xml><Content>&#0;</Content></xml>",
    "surrogate as a reference": b"<xml><Content>&#xD800;</Content></xml>",
    "two roots": message().encode() * 2,
    "text behind it": message().encode() + b"more",
    "undefined entity": b"<xml><Content>&nbsp;</Content></xml>",
    "invalid UTF-8": b"<xml><Content>\xff\xfe</Content></xml>",
    "surrogate in UTF-8": b"<xml><Content>\xed\xa0\x80</Content></xml>",
    "overlong UTF-8": b"<xml><Content>\xc0\xbc</Content></xml>",
    "UTF-16": message().encode("utf-16"),
    "UTF-32": message().encode("utf-32"),
    "GBK": "<xml><Content>提醒</Content></xml>".encode("gbk"),
    "declared GBK": b"<?xml version='1.0' encoding='GBK'?><xml><Content>a</Content></xml>",
    "declared UTF-7": b"<?xml version='1.0' encoding='UTF-7'?><xml><Content>a</Content></xml>",
    "another root": b"<root><MsgType>text</MsgType></root>",
    "upper-case root": b"<XML><MsgType>text</MsgType></XML>",
    "no field": b"<xml/>",
    "blank root": b"<xml> \n</xml>",
    "text in the root": b"<xml>text</xml>",
    "text between fields": b"<xml><MsgType>text</MsgType>x<Event>y</Event></xml>",
    "text beside nested fields": b"<xml><Info>x<Type>y</Type></Info></xml>",
    "attribute": b"<xml><MsgType a='1'>text</MsgType></xml>",
    "attribute of the root": b"<xml version='1'><MsgType>text</MsgType></xml>",
    "namespace": b"<xml xmlns='urn:x'><MsgType>text</MsgType></xml>",
    "instruction": b"<xml><?php echo 1?><MsgType>text</MsgType></xml>",
    "style sheet": b"<?xml-stylesheet href='http://127.0.0.1/'?><xml><MsgType>t</MsgType></xml>",
    "document type": b"<!DOCTYPE xml><xml><MsgType>text</MsgType><Content>a</Content></xml>",
    "external document type": (
        b"<!DOCTYPE xml SYSTEM 'http://127.0.0.1/x.dtd'><xml><MsgType>text</MsgType></xml>"
    ),
    "entity": BOMB.format("a", "&a;").encode(),
    "entity bomb": BOMB.format("a" * 50_000, "&a;" * 50_000).encode(),
    "external entity": (
        b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><xml><Content>&e;</Content></xml>"
    ),
    "parameter entity": (
        b"<!DOCTYPE x [<!ENTITY % e SYSTEM 'http://127.0.0.1/'> %e;]><xml><a>b</a></xml>"
    ),
    "include in the document": (
        b"<xml><i:include xmlns:i='http://www.w3.org/2001/XInclude' href='/etc/passwd'/></xml>"
    ),
    "duplicate": b"<xml><MsgType>text</MsgType><MsgType>event</MsgType></xml>",
    "duplicate of an unknown field": b"<xml><abc>1</abc><abc>2</abc></xml>",
    "text and fields of one name": b"<xml><abc>1</abc><abc><d>2</d></abc></xml>",
    "fields and text of one name": b"<xml><abc><d>2</d></abc><abc>1</abc></xml>",
    "nesting": b"<xml>" + b"<a>" * 50_000 + b"</xml>",
    "closed nesting": b"<xml>" + b"<a>" * 30_000 + b"</a>" * 30_000 + b"</xml>",
    "elements": b"<xml>" + b"<a/>" * 60_000 + b"</xml>",
}
# Each 256 KiB, of what a parser might be slow with.
SLOW = {
    "nesting": b"<xml>" + b"<a>" * 87_000,
    "elements": b"<xml><List>" + b"<a/>" * 65_000,
    "attributes": b"<xml " + b" ".join(b"a%d=''" % i for i in range(27_000)) + b"></xml>",
    "references": b"<xml><a>" + b"&lt;" * 65_000 + b"</a></xml>",
    "lines": b"<xml><a>" + b"\n" * 262_000 + b"</a></xml>",
    "CDATA sections": b"<xml><a>" + b"<![CDATA[]]>" * 21_000 + b"</a></xml>",
    "comments": b"<xml><a>" + b"<!---->" * 37_000 + b"</a></xml>",
    "a long name": b"<" + b"x" * 262_000 + b"/>",
    "brackets": b"<xml><a><![CDATA[" + b"]" * 262_000 + b"]]></a></xml>",
    "open tags": b"<" * 262_000,
    "entities": b"<!DOCTYPE x [" + b"<!ENTITY a '&b;'>" * 15_000 + b"]><xml>&a;</xml>",
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_published_messages_are_read_as_dicts(name):
    payload = PAYLOADS[name]

    fields = read_xml(payload["xml"].encode())

    assert fields["ToUserName"] == "gh_2f1e0d9c8b7a"
    assert fields["FromUserName"] == "oBotF5xQ2Z8nYvLk3JtRwE7mPcAs"
    assert fields["CreateTime"] == "1763800000"
    content = payload["fields"].get("content")
    assert content is None or fields["Content"] == content


def test_nested_fields_are_dicts_and_repeated_ones_lists():
    info = "<Count>2</Count><PicList><item><Sum>a</Sum></item><item><Sum>b</Sum></item></PicList>"

    fields = read_xml(event("pic_weixin", SendPicsInfo=info).encode())

    assert fields["SendPicsInfo"] == {
        "Count": "2",
        "PicList": {"item": [{"Sum": "a"}, {"Sum": "b"}]},
    }


def test_a_list_at_the_top_may_have_several_entries():
    entries = "".join(f"<List><TemplateId>t{i}</TemplateId></List>" for i in range(3))

    fields = read_xml(f"<xml><MsgType>event</MsgType>{entries}</xml>".encode())

    assert fields["List"] == [{"TemplateId": "t0"}, {"TemplateId": "t1"}, {"TemplateId": "t2"}]


def test_text_stays_as_it_stands():
    xml = "<xml><a>  x &amp; &#x1F600;\n</a><b><![CDATA[<c>]]]]><![CDATA[>]]></b><c/><d></d></xml>"

    fields = read_xml(xml.encode())

    assert fields == {"a": "  x & 😀\n", "b": "<c>]]>", "c": "", "d": ""}


def test_a_document_type_inside_text_is_text():
    fields = read_xml(message(Content=" <!DOCTYPE x><!ENTITY y> ").encode())

    assert fields["Content"] == " <!DOCTYPE x><!ENTITY y> "


def test_a_declaration_and_a_byte_order_mark_are_accepted():
    xml = "\ufeff<?xml version='1.0' encoding='UTF-8'?><xml><a>提醒</a><!-- x --></xml>"

    assert read_xml(xml.encode()) == {"a": "提醒"}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_wechat_never_sends_is_bad(name):
    with pytest.raises(BadXml) as caught:
        read_xml(HOSTILE[name])

    assert caught.value.__cause__ is None
    assert "passwd" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(SCALARS))
def test_a_field_of_text_holds_no_fields_wherever_it_is(name):
    field = f"<{name}><a>1</a></{name}>"

    for xml in (f"<xml>{field}</xml>", f"<xml><Info>{field}</Info></xml>"):
        with pytest.raises(BadXml):
            read_xml(xml.encode())


def test_depth_and_number_of_elements_have_bounds():
    def nested(depth: int) -> bytes:
        return b"<xml>" + b"<a>" * (depth - 1) + b"</a>" * (depth - 1) + b"</xml>"

    def wide(elements: int) -> bytes:
        return b"<xml><List>" + b"<a/>" * (elements - 2) + b"</List></xml>"

    assert read_xml(nested(MAX_DEPTH))
    assert read_xml(wide(MAX_ELEMENTS))
    for beyond in (nested(MAX_DEPTH + 1), wide(MAX_ELEMENTS + 1)):
        with pytest.raises(BadXml):
            read_xml(beyond)


@pytest.mark.parametrize("name", SLOW)
def test_the_worst_of_256_kib_takes_under_50_ms(name):
    def seconds() -> float:
        started = time.process_time()
        with suppress(BadXml):
            read_xml(SLOW[name])
        return time.process_time() - started

    assert min(seconds() for _ in range(3)) < 0.05


@given(st.binary(max_size=300))
@example(b"<xml>\xef\xbf\xbe</xml>")
def test_any_bytes_are_a_dict_or_bad(data):
    with suppress(BadXml):
        assert read_xml(data)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60))
def test_any_text_in_cdata_is_read_as_it_is(text):
    if "\ufffe" in text or "\uffff" in text:
        return
    content = text.replace("]]>", "]]]]><![CDATA[>")

    fields = read_xml(f"<xml><Content><![CDATA[{content}]]></Content></xml>".encode())

    assert fields == {"Content": text}
