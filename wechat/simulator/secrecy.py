"""Signatures and encryption as WeChat makes them; shares no code with those of the site.

Source: developers.weixin.qq.com/doc/service/guide/dev/push/encryption.html, read 2026-11-22.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_PADDED_TO = 32 * 8  # bits: of 32 bytes, although the cipher has blocks of 16
_HEAD = struct.Struct(">16sI")


class BadCiphertext(ValueError):
    """What came is not what this account's key makes; the message says how."""


def letters(count: int) -> str:
    """Return random letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(count))


def sign(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def encrypt(text: str, aes_key: str, app_id: str) -> str:
    message = text.encode()
    padder = PKCS7(_PADDED_TO).padder()
    plain = _HEAD.pack(letters(16).encode(), len(message)) + message + app_id.encode()
    encryptor = _cipher(aes_key).encryptor()
    padded = padder.update(plain) + padder.finalize()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def decrypt(ciphertext: str, aes_key: str, app_id: str) -> str:
    """Return the text; raises BadCiphertext, also for one that another account encrypted."""
    unpadder = PKCS7(_PADDED_TO).unpadder()
    try:
        decryptor = _cipher(aes_key).decryptor()
        padded = decryptor.update(base64.b64decode(ciphertext, validate=True))
        plain = unpadder.update(padded + decryptor.finalize()) + unpadder.finalize()
        _random, length = _HEAD.unpack_from(plain)
        end = _HEAD.size + length
        message, owner = plain[_HEAD.size : end].decode(), plain[end:].decode()
    except (binascii.Error, ValueError, struct.error) as error:
        raise BadCiphertext(f"It cannot be decrypted: {error}.") from None
    if owner != app_id:
        raise BadCiphertext(f"It is encrypted for the app id {owner!r}, not {app_id!r}.")
    return message


def _cipher(aes_key: str) -> Cipher[modes.CBC]:
    key = base64.b64decode(aes_key + "=")
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))
