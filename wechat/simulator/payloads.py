"""What WeChat posts to a site: the fields of each kind of message and event, and their XML.

Source: developers.weixin.qq.com, "Receiving standard messages", "Receiving event pushes", read
2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Scalars are written in CDATA, whole numbers bare; mappings nest, lists repeat their element.
Fields = Mapping[str, Any]


def text(content: str) -> Fields:
    return {"MsgType": "text", "Content": content}


def image(media_id: str, pic_url: str) -> Fields:
    return {"MsgType": "image", "PicUrl": pic_url, "MediaId": media_id}


def voice(media_id: str, recognition: str | None = None, *, format_: str = "amr") -> Fields:
    """`recognition` is what WeChat understood; None where the account has that switched off."""
    heard = {} if recognition is None else {"Recognition": recognition}
    return {"MsgType": "voice", "MediaId": media_id, "Format": format_} | heard


def video(media_id: str, thumb_media_id: str, *, is_short: bool = False) -> Fields:
    kind = "shortvideo" if is_short else "video"
    return {"MsgType": kind, "MediaId": media_id, "ThumbMediaId": thumb_media_id}


def location(latitude: float, longitude: float, label: str, *, scale: int = 16) -> Fields:
    return {
        "MsgType": "location",
        "Location_X": f"{latitude:.6f}",
        "Location_Y": f"{longitude:.6f}",
        "Scale": scale,
        "Label": label,
    }


def link(title: str, description: str, url: str) -> Fields:
    return {"MsgType": "link", "Title": title, "Description": description, "Url": url}


def event(name: str, key: str | None = "", **more: object) -> Fields:
    """Return an event; `key=None` for those that have no EventKey."""
    keyed = {} if key is None else {"EventKey": key}
    return {"MsgType": "event", "Event": name} | keyed | more


def subscribe(scene: str, ticket: str) -> Fields:
    """`scene` is what the scanned QR code stands for; "" for a follower who came without one."""
    return event("subscribe", f"qrscene_{scene}", Ticket=ticket) if scene else event("subscribe")


def scan(scene: str, ticket: str) -> Fields:
    return event("SCAN", scene, Ticket=ticket)


def location_report(latitude: float, longitude: float) -> Fields:
    return event(
        "LOCATION",
        None,
        Latitude=f"{latitude:.6f}",
        Longitude=f"{longitude:.6f}",
        Precision="40.000000",
    )


def scan_code(key: str, result: str, *, waits: bool = True) -> Fields:
    info = {"ScanType": "qrcode", "ScanResult": result}
    return event("scancode_waitmsg" if waits else "scancode_push", key, ScanCodeInfo=info)


def pictures_chosen(key: str, count: int) -> Fields:
    items = [{"PicMd5Sum": f"{number:032x}"} for number in range(count)]
    info = {"Count": count, "PicList": {"item": items}}
    return event("pic_photo_or_album", key, SendPicsInfo=info)


def template_finished(message_id: int, status: str) -> Fields:
    return event("TEMPLATESENDJOBFINISH", None, MsgID=message_id, Status=status)


# -- XML -------------------------------------------------------------------------------------------


def to_xml(fields: Fields) -> str:
    return f"<xml>{_elements(fields)}</xml>"


def _elements(fields: Fields) -> str:
    return "\n".join(
        f"<{name}>{_value(one)}</{name}>"
        for name, value in fields.items()
        for one in (value if isinstance(value, list) else [value])
    )


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return _elements(value)
    if isinstance(value, int):
        return str(value)
    return f"<![CDATA[{str(value).replace(']]>', ']]]]><![CDATA[>')}]]>"
