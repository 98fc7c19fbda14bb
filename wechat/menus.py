"""The menu below the chat: read from JSON, and refused with a sentence before WeChat sees it.

"Create a custom menu", developers.weixin.qq.com/doc/subscription/api/custommenu, read 2026-11-22,
names the kinds and counts; the sizes in bytes stand in its older edition, and WeChat answers 40018
(invalid button name size) and the like.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from wechat.kinds import Kind, read_arrival

MOST_BUTTONS, MOST_SUB_BUTTONS = 3, 5
NAME_BYTES, SUB_NAME_BYTES = 16, 60
KEY_BYTES, URL_BYTES = 128, 1024
# Chinese characters of a name that WeChat shows, of a button and of one below it.
NAME_SHOWN, SUB_NAME_SHOWN = 4, 8

# What a button of each kind must have beside its name, and how long that may be.
_KEY = {"key": KEY_BYTES}
_FIELDS: dict[str, dict[str, int]] = {
    "click": _KEY,
    "view": {"url": URL_BYTES},
    "miniprogram": {"url": URL_BYTES, "appid": 64, "pagepath": URL_BYTES},
    "scancode_push": _KEY,
    "scancode_waitmsg": _KEY,
    "pic_sysphoto": _KEY,
    "pic_photo_or_album": _KEY,
    "pic_weixin": _KEY,
    "location_select": _KEY,
    "media_id": {"media_id": 128},
    "view_limited": {"media_id": 128},
    "article_id": {"article_id": 128},
    "article_view_limited": {"article_id": 128},
}
Menu = dict[str, Any]

EXAMPLE: Menu = {
    "button": [
        {"type": "click", "name": "新对话", "key": "/new"},
        {"type": "click", "name": "任务", "key": "/tasks"},
        {
            "name": "更多",
            "sub_button": [
                {"type": "click", "name": "继续", "key": "继续"},
                {"type": "click", "name": "停止", "key": "/stop"},
                {"type": "click", "name": "你会做什么？", "key": "ask:你会做什么？"},
                {"type": "click", "name": "帮助", "key": "/help"},
            ],
        },
    ]
}


class BadMenu(ValueError):
    """A menu that WeChat would refuse; `problems` are sentences, each naming its button."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def write_menu(menu: Menu) -> str:
    """Return a menu as a person reads and edits it."""
    return json.dumps(menu, indent=2, ensure_ascii=False)


def read_menu(text: str) -> Menu:
    """Return the menu of a JSON text as `menu/create` takes it; raises BadMenu.

    Also takes what `wechat_menu show` and WeChat's `menu/get` give, where it is inside "menu".
    """
    try:
        value = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        problem = _("This is no JSON: %(error)s.") % {"error": error}
        raise BadMenu([problem]) from None
    if isinstance(value, dict) and isinstance(value.get("menu"), dict):
        value = value["menu"]
    if not isinstance(value, dict) or not isinstance(value.get("button"), list):
        raise BadMenu([_('The menu must be an object with a list "button".')])
    problems = _button_problems(value["button"])
    if problems:
        raise BadMenu(problems)
    return {"button": value["button"]}


def menu_notes(menu: Menu) -> list[str]:
    """Return what is allowed and probably not meant: names that are cut, keys nobody knows."""
    notes = []
    for button in menu["button"]:
        below = button.get("sub_button") or []
        notes += _notes(button, NAME_SHOWN)
        for each in below:
            notes += _notes(each, SUB_NAME_SHOWN)
    return notes


def _button_problems(buttons: list[Any]) -> list[str]:
    problems = []
    if not 1 <= len(buttons) <= MOST_BUTTONS:
        text = _("A menu has 1 to %(most)d buttons, this one %(number)d.")
        problems.append(text % {"most": MOST_BUTTONS, "number": len(buttons)})
    for number, button in enumerate(buttons, start=1):
        place = _place(button, str(number))
        below = button.get("sub_button") if isinstance(button, dict) else None
        if below:
            problems += _parent_problems(button, below, place, number)
        else:
            problems += _one_problems(button, place, NAME_BYTES)
    return problems


def _parent_problems(button: dict[str, Any], below: Any, place: str, number: int) -> list[str]:
    problems = _field_problems(button, place, "name", NAME_BYTES)
    if not isinstance(below, list):
        return [*problems, _('%(button)s: "sub_button" must be a list.') % {"button": place}]
    if len(below) > MOST_SUB_BUTTONS:
        text = _("%(button)s: 1 to %(most)d buttons fit below it, these are %(number)d.")
        values = {"button": place, "most": MOST_SUB_BUTTONS, "number": len(below)}
        problems.append(text % values)
    for position, each in enumerate(below, start=1):
        inner = _place(each, f"{number}.{position}")
        if isinstance(each, dict) and each.get("sub_button"):
            problems.append(_("%(button)s: menus have two levels.") % {"button": inner})
        else:
            problems += _one_problems(each, inner, SUB_NAME_BYTES)
    return problems


def _one_problems(button: Any, place: str, name_bytes: int) -> list[str]:
    """Return what is wrong with a button that does something."""
    if not isinstance(button, dict):
        return [_("%(button)s must be an object.") % {"button": place}]
    problems = _field_problems(button, place, "name", name_bytes)
    kind = button.get("type")
    if not isinstance(kind, str) or kind not in _FIELDS:
        text = _('%(button)s: "type" must be one of %(kinds)s.')
        return [*problems, text % {"button": place, "kinds": ", ".join(_FIELDS)}]
    for field, most in _FIELDS[kind].items():
        problems += _field_problems(button, place, field, most)
    return problems


def _field_problems(button: dict[str, Any], place: str, field: str, most: int) -> list[str]:
    value = button.get(field)
    values = {"button": place, "field": field, "most": most}
    if not isinstance(value, str) or not value.strip():
        return [_('%(button)s: "%(field)s" is missing.') % values]
    size = len(value.encode("utf-8", "replace"))
    if size > most:
        text = _(
            '%(button)s: "%(field)s" has %(size)d bytes, %(most)d are allowed'
            " (a Chinese character has 3)."
        )
        return [text % (values | {"size": size})]
    if field == "url" and not re.match(r"https?://\S+$", value):
        return [_('%(button)s: "url" must begin with http:// or https://.') % values]
    return []


def _place(button: Any, number: str) -> str:
    name = button.get("name") if isinstance(button, dict) else None
    if isinstance(name, str) and name.strip():
        return _("Button %(number)s (%(name)s)") % {"number": number, "name": name[:20]}
    return _("Button %(number)s") % {"number": number}


def _notes(button: dict[str, Any], shown: int) -> list[str]:
    notes = []
    values = {"button": button["name"], "shown": shown, "key": button.get("key", "")}
    if _width(button["name"]) > 2 * shown:
        text = _("%(button)s: WeChat shows about %(shown)d Chinese characters of a name here.")
        notes.append(text % values)
    is_click = button.get("type") == "click" and not button.get("sub_button")
    if is_click and not _is_understood(button["key"]):
        text = _(
            "%(button)s: the bot does not know the key %(key)s. A key that begins with / is a"
            " command, one that begins with ask: is a question to the agent."
        )
        notes.append(text % values)
    return notes


def _is_understood(key: str) -> bool:
    click = {
        **{"ToUserName": "menu", "FromUserName": "menu", "CreateTime": "1", "MsgType": "event"},
        **{"Event": "CLICK", "EventKey": key},
    }
    arrival = read_arrival(click, locale=settings.WECHAT_LOCALE, timezone="UTC")
    return arrival.kind is Kind.QUESTION


def _width(name: str) -> int:
    """Return how wide a name is in Latin letters; a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in name)
