"""Requests as WeChat sends them: published vectors, and bodies signed and encrypted here.

Signing and encrypting follow Tencent's description with nothing of the product's.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.utils import translation

from wechat.kinds import Arrival, read_arrival
from wechat.security import Config, Refused, open_post, verify_get
from wechat.xml_in import BadXml, read_xml

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "vectors.json").read_text(encoding="utf-8")
)
ACCOUNT: dict[str, Any] = VECTORS["account"]
TOKEN, APP_ID = ACCOUNT["token"], ACCOUNT["appid"]
KEY, PREVIOUS_KEY = ACCOUNT["aes_key"], ACCOUNT["aes_key_previous"]
ORIGINAL_ID, OPENID = ACCOUNT["original_id"], ACCOUNT["openid"]
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
#: The modes in which a plain and an encrypted request are right.
PLAIN, SECURE = "plain", "secure"

_REPEATED = re.compile(r"\{(\d+) x ([^}]+)\}")


def named(group: str) -> dict[str, dict[str, Any]]:
    return {vector["name"]: vector for vector in VECTORS[group]}


def config(mode: str = PLAIN, **changes: Any) -> Config:
    values = {"token": TOKEN, "app_id": APP_ID, "keys": (KEY, PREVIOUS_KEY)}
    return Config(**{**values, "mode": mode, "original_id": ORIGINAL_ID, **changes})


def sign(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def signed(
    *, timestamp: str | None = None, nonce: str = "486452656", token: str = TOKEN, **more: str
) -> dict[str, str]:
    """Return the query of a plain request, with what else belongs into it."""
    timestamp = str(int(NOW.timestamp())) if timestamp is None else timestamp
    signature = sign(token, timestamp, nonce)
    return {"signature": signature, "timestamp": timestamp, "nonce": nonce, **more}


def sealed(
    xml: str | bytes, *, key: str = KEY, app_id: str = APP_ID, **more: str
) -> tuple[dict[str, str], bytes]:
    """Return query and body of an encrypted request."""
    return sealed_as(encrypt(xml, key=key, app_id=app_id), **more)


def sealed_as(ciphertext: str, **more: str) -> tuple[dict[str, str], bytes]:
    """Return a request that holds this as what is encrypted, whatever it is, correctly signed."""
    query = signed(encrypt_type="aes", **more)
    query["msg_signature"] = sign(TOKEN, query["timestamp"], query["nonce"], ciphertext)
    body = f"<xml><ToUserName>{ORIGINAL_ID}</ToUserName><Encrypt>{ciphertext}</Encrypt></xml>"
    return query, body.encode()


def encrypt(
    xml: str | bytes, *, key: str = KEY, app_id: str = APP_ID, start: bytes = b"0123456789abcdef"
) -> str:
    data = xml.encode() if isinstance(xml, str) else xml
    return encrypt_raw(start + struct.pack(">I", len(data)) + data + app_id.encode(), key=key)


def encrypt_raw(plaintext: bytes, *, key: str = KEY, pads: bool = True) -> str:
    missing = 32 - len(plaintext) % 32
    padded = plaintext + bytes([missing]) * missing if pads else plaintext
    encryptor = _cipher(key).encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def decrypt(ciphertext: str, *, key: str = KEY) -> tuple[str, str]:
    """Return the text and the app id that are encrypted."""
    decryptor = _cipher(key).decryptor()
    padded = decryptor.update(base64.b64decode(ciphertext)) + decryptor.finalize()
    data = padded[16 : -padded[-1]]
    (length,) = struct.unpack(">I", data[:4])
    return data[4 : 4 + length].decode(), data[4 + length :].decode()


def _cipher(key: str) -> Cipher[modes.CBC]:
    raw = base64.b64decode(key + "=")
    return Cipher(algorithms.AES(raw), modes.CBC(raw[:16]))


def message(kind: str = "text", **fields: str) -> str:
    """Return the XML of a message; `None` for a field leaves it out."""
    values = {"MsgType": kind, "MsgId": "25429287492206117", **fields}
    if kind == "text":
        values.setdefault("Content", "明天上午九点提醒我开会")
    return _xml(values)


def event(name: str, **fields: str) -> str:
    return _xml({"MsgType": "event", "Event": name, **fields})


def _xml(fields: dict[str, str | None]) -> str:
    """Return XML in which a value that begins with `<` stands as it is."""
    head = {"ToUserName": ORIGINAL_ID, "FromUserName": OPENID, "CreateTime": "1763800000"}
    values = {name: value for name, value in {**head, **fields}.items() if value is not None}
    inner = "\n".join(f"<{name}>{_value(value)}</{name}>" for name, value in values.items())
    return f"<xml>{inner}\n</xml>"


def _value(value: str) -> str:
    return value if value.startswith("<") else f"<![CDATA[{value}]]>"


def expanded(body: str) -> bytes:
    """Return a body in which `{3 x ab}` stands for `ababab`."""
    return _REPEATED.sub(lambda found: int(found[1]) * found[2], body).encode()


def answered(
    query: dict[str, str], body: bytes | None, settings: Config, *, now: datetime = NOW
) -> int:
    """Return the status of a GET, or with a body of a POST. Anything unforeseen is raised."""
    try:
        if body is None:
            verify_get(query, settings, now=now)
        else:
            envelope = open_post(query, body, settings, now=now)
            read_arrival(envelope.fields, locale="en", timezone="Asia/Shanghai")
    except Refused as refused:
        assert refused.status in (400, 403)
        return refused.status
    except BadXml:
        return 400
    return 200


def arrived(xml: str, *, locale: str = "en") -> Arrival:
    return read_arrival(read_xml(xml.encode()), locale=locale, timezone="Asia/Shanghai")


def in_english(sentence: Callable[[], str]) -> str:
    with translation.override("en"):
        return sentence()
