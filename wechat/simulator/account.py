"""The official account that is simulated: its secrets, its mode, what it may do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Literal, Self

from wechat.simulator.secrecy import letters

Mode = Literal["plain", "compatible", "secure"]


def _app_id() -> str:
    return f"wx{secrets.token_hex(8)}"


def _original_id() -> str:
    return f"gh_{secrets.token_hex(6)}"


def _aes_key() -> str:
    return letters(43)


@dataclass(frozen=True, slots=True)
class OfficialAccount:
    """One account; what is left out is made up, anew for each.

    A verified one may do everything, as a verified service account may; one that is not, such as
    every personal account, may only reply to requests: WeChat refuses the rest with 48001.
    """

    mode: Mode = "secure"
    is_verified: bool = True
    token: str = field(default_factory=lambda: letters(32))
    aes_key: str = field(default_factory=_aes_key)
    app_id: str = field(default_factory=_app_id)
    secret: str = field(default_factory=lambda: secrets.token_hex(16))
    original_id: str = field(default_factory=_original_id)

    @classmethod
    def kept(cls, secret_key: str, *, mode: Mode = "secure", is_verified: bool = True) -> Self:
        """Return the one account that belongs to a secret: the same at each start of a site."""

        def derived(what: str) -> bytes:
            made = f"simulated {what}".encode()
            return hmac.new(secret_key.encode(), made, hashlib.sha256).digest()

        return cls(
            mode,
            is_verified,
            token=derived("token").hex()[:32],
            # A real one has letters and digits only.
            aes_key=base64.b64encode(derived("aes key"), b"AB").decode().rstrip("="),
            app_id=f"wx{derived('app id').hex()[:16]}",
            secret=derived("secret").hex()[:32],
            original_id=f"gh_{derived('original id').hex()[:12]}",
        )

    @property
    def encrypts(self) -> bool:
        return self.mode != "plain"

    def settings(self, api_url: str) -> dict[str, str]:
        """Return the environment of a site that this account belongs to."""
        return {
            "WECHAT_TOKEN": self.token,
            "WECHAT_APP_ID": self.app_id,
            "WECHAT_APP_SECRET": self.secret,
            "WECHAT_AES_KEY": self.aes_key if self.encrypts else "",
            "WECHAT_MODE": self.mode,
            "WECHAT_API_BASE_URL": api_url,
        }
