"""A menu is read from JSON and refused with a sentence; the command hands it to WeChat."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.wechat.fake_api import FakeApi
from tests.wechat.fake_api import api as api
from wechat.kinds import Kind, read_arrival
from wechat.menus import EXAMPLE, BadMenu, menu_notes, read_menu, write_menu


def click(name: str = "Help", key: str = "/help", **more: Any) -> dict[str, Any]:
    return {"type": "click", "name": name, "key": key, **more}


def problems(*buttons: Any) -> list[str]:
    with pytest.raises(BadMenu) as refused:
        read_menu(json.dumps({"button": list(buttons)}))
    return refused.value.problems


def test_the_example_is_a_menu_about_which_nothing_is_to_be_said() -> None:
    menu = read_menu(write_menu(EXAMPLE))

    assert menu == EXAMPLE
    assert menu_notes(menu) == []


def test_every_key_of_the_example_is_understood() -> None:
    said = []
    for top in EXAMPLE["button"]:
        for button in top.get("sub_button", [top]):
            fields = {"FromUserName": "o1", "CreateTime": "1", "MsgType": "event"}
            event = {"ToUserName": "gh_1", "Event": "CLICK", "EventKey": button["key"]}
            arrival = read_arrival(fields | event, locale="zh-hans", timezone="UTC")
            assert arrival.kind == Kind.QUESTION
            said.append(arrival.incoming.content)

    assert said == ["/new", "/tasks", "继续", "/stop", "你会做什么？", "/help"]


def test_a_menu_as_wechat_gives_it_can_be_pushed_again() -> None:
    button = click(sub_button=[])

    assert read_menu(json.dumps({"menu": {"button": [button], "menuid": 1}})) == {
        "button": [button]
    }


@pytest.mark.parametrize(
    "kind",
    [
        *({"type": kind, "key": "k"} for kind in ("scancode_push", "pic_weixin", "pic_sysphoto")),
        *({"type": kind, "key": "k"} for kind in ("location_select", "pic_photo_or_album")),
        {"type": "scancode_waitmsg", "key": "k"},
        {"type": "view", "url": "https://example.org/"},
        {"type": "miniprogram", "url": "http://a.cn/", "appid": "wx1", "pagepath": "pages/a"},
        {"type": "media_id", "media_id": "m"},
        {"type": "article_id", "article_id": "a"},
    ],
    ids=lambda button: button["type"],
)
def test_every_kind_of_button_is_taken(kind: dict[str, str]) -> None:
    assert read_menu(json.dumps({"button": [{"name": "One", **kind}]}))
    for field in kind:
        less = {name: value for name, value in kind.items() if name != field}
        assert f'"{field}"' in problems({"name": "One", **less})[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "This is no JSON: Expecting value: line 1 column 1 (char 0)."),
        ("[" * 100_000, "This is no JSON"),
        ("[]", 'The menu must be an object with a list "button".'),
        ('{"button": {}}', 'The menu must be an object with a list "button".'),
        ('{"button": []}', "A menu has 1 to 3 buttons, this one 0."),
        ('{"button": ["Help"]}', "Button 1 must be an object."),
    ],
)
def test_what_is_no_menu_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(BadMenu) as refused:
        read_menu(text)

    assert str(refused.value).startswith(sentence)


def test_more_buttons_than_fit_are_refused() -> None:
    parent = {"name": "More", "sub_button": [click()] * 6}

    assert problems(*[click()] * 4) == ["A menu has 1 to 3 buttons, this one 4."]
    assert problems(parent) == [
        "Button 1 (More): 1 to 5 buttons fit below it, these are 6.",
    ]


def test_a_third_level_is_refused() -> None:
    inner = {"name": "Deep", "sub_button": [click()]}

    assert problems({"name": "More", "sub_button": [inner]}) == [
        "Button 1.1 (Deep): menus have two levels."
    ]


def test_names_and_keys_are_measured_in_bytes() -> None:
    assert read_menu(json.dumps({"button": [click("五个汉字名", "k" * 128)]}))
    assert problems(click("六个汉字名称", "k" * 129)) == [
        'Button 1 (六个汉字名称): "name" has 18 bytes, 16 are allowed (a Chinese character has 3).',
        'Button 1 (六个汉字名称): "key" has 129 bytes, 128 are allowed'
        " (a Chinese character has 3).",
    ]


def test_a_name_below_may_be_longer() -> None:
    def below(name: str) -> dict[str, Any]:
        return {"name": "More", "sub_button": [click(name)]}

    assert read_menu(json.dumps({"button": [below("二" * 20)]}))
    assert '"name" has 63 bytes, 60 are allowed' in problems(below("二" * 21))[0]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "example.org", "https://a b", 5, ""])
def test_an_address_must_be_one_of_the_web(url: Any) -> None:
    assert '"url"' in problems({"type": "view", "name": "Site", "url": url})[0]


def test_all_problems_are_told_at_once() -> None:
    assert len(problems({"type": "click"}, {"type": "dance", "name": "Two"})) == 3


def test_a_key_that_nobody_understands_and_a_name_that_is_cut_are_mentioned() -> None:
    menu = {"button": [click("最新消息！", "NEWS"), {"name": "More", "sub_button": [click()]}]}

    notes = menu_notes(read_menu(json.dumps(menu)))

    assert [note.partition(":")[2].strip()[:24] for note in notes] == [
        "WeChat shows about 4 Chi",
        "the bot does not know th",
    ]


# -- the command -----------------------------------------------------------------------------------


@pytest.fixture
def account(transactional_db: None, api: FakeApi) -> FakeApi:
    return api


@pytest.fixture
def run() -> Callable[..., str]:
    """Return a function that runs the command and returns what it prints."""

    def call(*arguments: str) -> str:
        out = io.StringIO()
        call_command("wechat_menu", *arguments, stdout=out, stderr=out)
        return out.getvalue()

    return call


def test_the_example_can_be_pushed_as_it_is_printed(
    account: FakeApi, run: Callable[..., str], tmp_path: Path
) -> None:
    file = tmp_path / "menu.json"
    file.write_text(run("example"), "utf-8")

    said = run("push", str(file))

    (call,) = account.of("menu/create")
    assert call.json == EXAMPLE
    assert "新对话" in call.body.decode()
    assert said.startswith("WeChat has the menu.")


def test_a_wrong_menu_never_reaches_wechat(
    account: FakeApi, run: Callable[..., str], tmp_path: Path
) -> None:
    file = tmp_path / "menu.json"
    file.write_text('{"button": []}')

    with pytest.raises(CommandError, match="A menu has 1 to 3 buttons"):
        run("push", str(file))

    assert account.calls == []


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(
    account: FakeApi, run: Callable[..., str], tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "menu.json"
    if content:
        file.write_bytes(content)

    with pytest.raises(CommandError, match=r"menu\.json cannot be read"):
        run("push", str(file))


def test_the_menu_of_wechat_is_shown(account: FakeApi, run: Callable[..., str]) -> None:
    account.script("menu/get", {"menu": EXAMPLE})

    assert json.loads(run("show")) == EXAMPLE


def test_no_menu_is_said(account: FakeApi, run: Callable[..., str]) -> None:
    account.script("menu/get", 46003)

    assert run("show").strip() == "There is no menu."


def test_the_menu_is_removed(account: FakeApi, run: Callable[..., str]) -> None:
    assert run("delete").strip() == "The menu is removed."
    assert account.count("menu/delete") == 1


def test_an_account_without_the_right_is_told_where_else(
    account: FakeApi, run: Callable[..., str]
) -> None:
    account.script("menu/delete", 48001)

    with pytest.raises(CommandError, match=r"48001.* console"):
        run("delete")


def test_without_credentials_it_is_said_which_are_missing(
    account: FakeApi, run: Callable[..., str], settings: Any
) -> None:
    settings.WECHAT_APP_SECRET = ""

    with pytest.raises(CommandError, match="WECHAT_APP_SECRET"):
        run("show")
