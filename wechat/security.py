"""Security: what is posted to the webhook is WeChat's, meant for this account, and readable."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from wechatpy.crypto import WeChatCipher, WeChatCrypto

from wechat.heading import read_heading
from wechat.xml_in import BadXml, Value, read_xml

#: Bytes of a body that are read at most; WeChat's own have a few thousand.
MAX_BODY = 262_144
# Ten digits, whatever the signature says: it covers timestamp and nonce as one text, so that
# "12" with "3" has the signature of "1" with "23".
_TIMESTAMP = re.compile(r"[0-9]{10}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHA1 = re.compile(r"[0-9a-f]{40}")
_AES_KEY = re.compile(r"[A-Za-z0-9+/]{43}")
# Bytes: AES's own block, the one WeChat pads to, and the random start before the length.
_BLOCK, _LARGEST_PAD, _RANDOM, _LENGTH = 16, 32, 16, 4


class Refused(Exception):
    """A request that is not answered: 400 what cannot be read, 403 what is not authentic.

    The reason repeats nothing of the request: it may be logged and returned.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Config:
    """What the account and the site agreed on. `keys` are the current one and the one before."""

    token: str = field(repr=False)
    app_id: str = ""
    mode: str = "plain"
    keys: tuple[str, ...] = field(default=(), repr=False)
    #: Seconds that a timestamp may be off; 0 accepts any.
    freshness: float = 300
    #: The account's own id; "" accepts messages to any.
    original_id: str = ""

    @classmethod
    def from_settings(cls) -> Config:
        keys = (settings.WECHAT_AES_KEY, settings.WECHAT_AES_KEY_PREVIOUS)
        return cls(
            token=settings.WECHAT_TOKEN,
            app_id=settings.WECHAT_APP_ID,
            mode=settings.WECHAT_MODE,
            keys=tuple(filter(None, keys)),
            freshness=settings.WECHAT_FRESHNESS,
            original_id=settings.WECHAT_ORIGINAL_ID,
        )


@dataclass(frozen=True, slots=True)
class Envelope:
    """An authentic message, and what a reply to it needs. `aes_key` is the one that opened it."""

    fields: dict[str, Value] = field(repr=False)
    nonce: str
    #: Of the query: without encryption it does not cover the body.
    signature: str
    config: Config
    aes_key: str | None = field(default=None, repr=False)

    def seal(self, xml: str, *, now: datetime) -> str:
        """Return a reply as this request wants it: encrypted with its key, or as it is.

        WeChat takes "" and "success" unencrypted in every mode: they need no seal.
        """
        if not xml or self.aes_key is None:
            return xml
        crypto = WeChatCrypto(self.config.token, self.aes_key, self.config.app_id)
        return str(crypto.encrypt_message(xml, self.nonce, str(int(now.timestamp()))))


def verify_get(query: Mapping[str, str], config: Config, *, now: datetime) -> str:
    """Return the echo with which a site proves that it knows the token, to be sent back verbatim.

    It is not encrypted in any mode. Raises Refused.
    """
    _check_query(query, config, now=now)
    echo = query.get("echostr")
    if not echo:
        raise Refused(400, "There is no echostr.")
    return echo


def open_post(query: Mapping[str, str], body: bytes, config: Config, *, now: datetime) -> Envelope:
    """Return the message of a request whose signatures, age, mode and addressee are right.

    What is cheap is checked first, and nothing is parsed for one who does not know the token.
    Which mode is right the configuration says, never the request. Raises Refused and nothing else.
    """
    if len(body) > MAX_BODY:
        raise Refused(400, "The body is too large.")
    _check_query(query, config, now=now)
    is_encrypted = _is_encrypted(query, config)
    try:
        fields, aes_key = read_xml(body), None
        if is_encrypted:
            xml, aes_key = _unseal(fields, query, config)
            fields = read_xml(xml)
        heading = read_heading(fields)
    except BadXml as error:
        raise Refused(400, str(error)) from None
    if config.original_id and heading.receiver != config.original_id:
        raise Refused(403, "It is for another account.")
    return Envelope(fields, query["nonce"], query["signature"], config, aes_key)


def _check_query(query: Mapping[str, str], config: Config, *, now: datetime) -> None:
    """Raise Refused unless the query is WeChat's and not an old one."""
    if not config.token:
        raise Refused(403, "No token is set.")
    signature = query.get("signature") or ""
    if not _SHA1.fullmatch(signature):
        raise Refused(403, "There is no signature.")
    timestamp, nonce = query.get("timestamp") or "", query.get("nonce") or ""
    if not (_TIMESTAMP.fullmatch(timestamp) and _NONCE.fullmatch(nonce)):
        raise Refused(400, "There is no timestamp or nonce.")
    if not hmac.compare_digest(signature, _sign(config.token, timestamp, nonce)):
        raise Refused(403, "The signature is wrong.")
    skew = now.timestamp() - int(timestamp)
    if config.freshness and abs(skew) > config.freshness:
        raise Refused(403, f"The timestamp is stale by {skew:.0f} s: is this clock right?")


def _sign(*parts: str) -> str:
    """Return WeChat's signature of some texts, in whatever order."""
    joined = b"".join(sorted(part.encode() for part in parts))
    return hashlib.sha1(joined, usedforsecurity=False).hexdigest()


def _is_encrypted(query: Mapping[str, str], config: Config) -> bool:
    """Return whether the body is encrypted; raises Refused for what the mode does not allow."""
    kind = query.get("encrypt_type") or "raw"
    if kind not in ("raw", "aes"):
        raise Refused(400, "The encryption is unknown.")
    is_encrypted = kind == "aes"
    if config.mode == "plain" and is_encrypted:
        raise Refused(403, "It is encrypted, and the mode is plain.")
    if config.mode not in ("plain", "compatible") and not is_encrypted:
        raise Refused(403, "It is not encrypted, and the mode is secure.")
    return is_encrypted


def _unseal(
    fields: Mapping[str, Value], query: Mapping[str, str], config: Config
) -> tuple[bytes, str]:
    """Return the message that is encrypted in these fields, and the key that opened it."""
    sealed = fields.get("Encrypt")
    if not isinstance(sealed, str) or not sealed:
        raise Refused(400, "There is nothing encrypted in it.")
    expected = _sign(config.token, query["timestamp"], query["nonce"], sealed)
    signature = query.get("msg_signature") or ""
    if not (_SHA1.fullmatch(signature) and hmac.compare_digest(signature, expected)):
        raise Refused(403, "The signature of the encrypted message is wrong.")
    ciphertext = _ciphertext(sealed)
    is_foreign = False
    for key in filter(_AES_KEY.fullmatch, config.keys):
        opened = _decrypt(ciphertext, key)
        if opened and hmac.compare_digest(opened[1], config.app_id.encode()):
            return opened[0], key
        is_foreign |= opened is not None
    if is_foreign:
        raise Refused(403, "It is for another app id.")
    raise Refused(400, "It cannot be decrypted.")


def _ciphertext(sealed: str) -> bytes:
    try:
        # Strict: the library's own reading drops what is no base64.
        ciphertext = base64.b64decode(sealed, validate=True)
    except ValueError:
        raise Refused(400, "What is encrypted is no base64.") from None
    if not ciphertext or len(ciphertext) % _BLOCK:
        raise Refused(400, "What is encrypted has no whole blocks.")
    return ciphertext


def _decrypt(ciphertext: bytes, key: str) -> tuple[bytes, bytes] | None:
    """Return message and app id, None if the key does not fit.

    The library's cipher, without its reading of what comes out: that takes any last byte for a
    padding, so that a key that does not fit may look like a wrong app id.
    """
    padded: bytes = WeChatCipher(base64.b64decode(key + "=")).decrypt(ciphertext)
    pad = padded[-1]
    if not 1 <= pad <= _LARGEST_PAD or padded[-pad:] != bytes([pad]) * pad:
        return None
    data = padded[_RANDOM:-pad]
    if len(data) < _LENGTH:
        return None
    end = _LENGTH + int.from_bytes(data[:_LENGTH], "big")
    return data[_LENGTH:end], data[end:]
