"""WeChat's interface: every call that goes out, with one access token and clear outcomes."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from django.conf import settings
from django.utils.translation import gettext as _

from wechat.calling import Exchange, json_body, understand
from wechat.errors import ApiError, Reaction, Unknown
from wechat.tokens import distrust, token

Found = TypeVar("Found")
# Seconds for one call as a whole, and for one that carries an image.
CALL_SECONDS = 15.0
UPLOAD_SECONDS = 60.0
# Two of these must fit into the lease of wechat.tokens.
TOKEN_SECONDS = 10.0
_MENU_MISSING = 46003
_TOKEN = re.compile(r"[!-~]{1,2048}")
_LONGEST_LIFE = 86_400


class WeChatClient:
    """The interface of one official account.

    Every call has a timeout and ends in a dict, or in one of: ApiError (a clear refusal),
    Unreachable (nothing was sent), Unknown (it may have been carried out), TokenUnavailable
    (nothing was sent). Nothing is sent twice but what WeChat refused for its access token.
    """

    def __init__(self, *, base_url: str, app_id: str, secret: str) -> None:
        self._base_url = base_url
        self._app_id = app_id
        self._secret = secret
        self._exchange = Exchange(base_url)
        # The tokens it used last: WeChat may repeat one in what it says of an error.
        self._used: deque[str] = deque(maxlen=4)

    def is_for_settings(self) -> bool:
        """Return whether it was made from the settings as they are."""
        of_settings = (
            settings.WECHAT_API_BASE_URL,
            settings.WECHAT_APP_ID,
            settings.WECHAT_APP_SECRET,
        )
        return (self._base_url, self._app_id, self._secret) == of_settings

    # -- messages ----------------------------------------------------------------------------------

    async def send_text(self, openid: str, text: str) -> None:
        """Send a customer-service message; one part, at most WECHAT_MAX_TEXT_BYTES bytes."""
        await self._send(openid, "text", {"content": text})

    async def send_image(self, openid: str, media_id: str) -> None:
        await self._send(openid, "image", {"media_id": media_id})

    async def _send(self, openid: str, kind: str, content: Mapping[str, str]) -> None:
        payload = {"touser": openid, "msgtype": kind, kind: content}
        await self.call("message/custom/send", payload)

    async def typing(self, openid: str) -> None:
        """Show the follower that an answer is being written, if WeChat wants to."""
        try:
            await self.call("message/custom/typing", {"touser": openid, "command": "Typing"})
        except ApiError as error:
            if error.reaction is not Reaction.IGNORE:
                raise

    async def send_template(
        self, openid: str, template_id: str, fields: Mapping[str, str], *, url: str = ""
    ) -> str:
        """Send a template message; return the id by which WeChat reports on it, "" if none."""
        data = {name: {"value": value} for name, value in fields.items()}
        payload: dict[str, Any] = {"touser": openid, "template_id": template_id, "data": data}
        if url:
            payload["url"] = url
        answer = await self.call("message/template/send", payload)
        return str(answer.get("msgid", ""))

    async def upload_image(self, name: str, data: bytes, content_type: str) -> str:
        """Upload an image that lives for three days; return its media id."""
        answer = await self.call(
            "media/upload",
            query={"type": "image"},
            files={"media": (name, data, content_type)},
            needs="media_id",
            seconds=UPLOAD_SECONDS,
        )
        return _expected(answer["media_id"], str)

    # -- the account -------------------------------------------------------------------------------

    async def create_menu(self, menu: Mapping[str, Any]) -> None:
        await self.call("menu/create", menu)

    async def get_menu(self) -> dict[str, Any]:
        """Return the menu as WeChat keeps it, {} if there is none."""
        try:
            answer = await self.call("menu/get", needs="menu")
        except ApiError as error:
            if error.code != _MENU_MISSING:
                raise
            return {}
        return _expected(answer["menu"], dict)

    async def delete_menu(self) -> None:
        await self.call("menu/delete")

    async def callback_ips(self) -> list[str]:
        """Return the addresses, single ones and networks, from which WeChat calls the webhook."""
        answer = await self.call("getcallbackip", needs="ip_list")
        return [str(one) for one in _expected(answer["ip_list"], list)]

    async def fetch_token(self, *, force: bool = False) -> tuple[str, int]:
        """Ask for the stable token in force, or for a new one; return it and its life in seconds.

        For wechat.tokens, which keeps it for all processes. `force` ends the one before, and is
        allowed 20 times a day. Source: "getStableAccessToken", read 2026-11-22.
        """
        payload = {
            "grant_type": "client_credential",
            "appid": self._app_id,
            "secret": self._secret,
            "force_refresh": force,
        }
        answer = await self._ask(
            "stable_token", json_body(payload), needs="access_token", seconds=TOKEN_SECONDS
        )
        found = _expected(answer["access_token"], str)
        life = _expected(answer.get("expires_in"), int)
        if not _TOKEN.fullmatch(found):
            raise Unknown(_("WeChat's answer has no access token in it."))
        return found, min(max(life, 0), _LONGEST_LIFE)

    # -- any call ----------------------------------------------------------------------------------

    async def call(
        self,
        path: str,
        payload: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        needs: str = "errcode",
        seconds: float = CALL_SECONDS,
    ) -> dict[str, Any]:
        """Call `/cgi-bin/<path>` with an access token: POST with something to send, else GET.

        `needs` is the field without which an answer is none; an `errcode` must be 0. A token that
        WeChat refuses is renewed once, and the call made once more.
        """
        body: Mapping[str, Any] = {"files": files} if files else json_body(payload)
        used = await token(self)
        for is_last in (False, True):
            ask = {**(query or {}), "access_token": used}
            if used not in self._used:
                self._used.append(used)
            try:
                return await self._ask(path, body, ask, needs=needs, seconds=seconds)
            except ApiError as error:
                refusal = error
            if refusal.reaction is not Reaction.TOKEN or is_last:
                break
            used = await token(self, failed=used)
        if refusal.reaction is Reaction.TOKEN:
            await distrust(used, refusal)
        raise refusal

    async def _ask(
        self,
        path: str,
        body: Mapping[str, Any],
        query: Mapping[str, str] | None = None,
        *,
        needs: str,
        seconds: float,
    ) -> dict[str, Any]:
        address = f"{self._base_url}/cgi-bin/{path}"
        if query:
            address += f"?{urlencode(query)}"
        status, data = await self._exchange(address, body, seconds)
        return understand(status, data, needs=needs, hide=(self._secret, *self._used))


def _expected(value: Any, kind: type[Found]) -> Found:
    if not isinstance(value, kind):
        raise Unknown(_("A field of WeChat's answer is not what it should be."))
    return value


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, WeChatClient] = WeakKeyDictionary()


def client() -> WeChatClient:
    """Return the running event loop's own, made from the settings."""
    loop = asyncio.get_running_loop()
    found = _of_loop.get(loop)
    if found is None or not found.is_for_settings():
        found = _of_loop[loop] = WeChatClient(
            base_url=settings.WECHAT_API_BASE_URL,
            app_id=settings.WECHAT_APP_ID,
            secret=settings.WECHAT_APP_SECRET,
        )
    return found
