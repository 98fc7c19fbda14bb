"""A follower of the simulated account: does what people do in WeChat, sees what they would see."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from wechat.simulator import payloads
from wechat.simulator.payloads import Fields
from wechat.simulator.replies import SERVICE_FAULT
from wechat.simulator.secrecy import letters
from wechat.simulator.sender import Exchange
from wechat.simulator.state import Medium
from wechat.simulator.windows import Opening, Standing

if TYPE_CHECKING:
    from wechat.simulator.simulator import Simulator

#: In answer to a request; sent unasked; shown by WeChat itself in place of an answer.
How = Literal["reply", "message", "template", "fault"]
_PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@dataclass(frozen=True, slots=True)
class Shown:
    """One thing on the follower's screen; `at` is on the simulator's clock."""

    how: How
    text: str
    at: datetime
    media_id: str = ""


class Follower:
    """One person; made by `Simulator.follower`.

    What they do returns once the site has answered it, or after three requests without an answer.
    """

    def __init__(
        self, simulator: Simulator, openid: str = "", *, is_following: bool = True
    ) -> None:
        self.openid = openid or f"o{letters(27)}"
        #: What the screen shows, oldest first.
        self.shown: list[Shown] = []
        self.on_shown: Callable[[Shown], None] = lambda _shown: None
        self.is_typed_to = False
        self._simulator = simulator
        self._standing = Standing(self.openid, is_following)
        simulator.platform.standings[self.openid] = self._standing

    # -- what people say -------------------------------------------------------------------------

    async def says(self, text: str) -> Exchange:
        return await self.sends(payloads.text(text))

    async def sends_image(self, data: bytes = _PNG, content_type: str = "image/png") -> Exchange:
        media_id = self._keep(data, content_type)
        return await self.sends(payloads.image(media_id, self._simulator.picture_url(media_id)))

    async def sends_voice(self, recognition: str | None = None) -> Exchange:
        """`recognition` is what WeChat understands; None where the account has it switched off."""
        media_id = self._keep(b"#!AMR\n", "audio/amr")
        return await self.sends(payloads.voice(media_id, recognition))

    async def sends_video(self) -> Exchange:
        media_id, thumb = self._keep(bytes(64), "video/mp4"), self._keep(_PNG, "image/jpeg")
        return await self.sends(payloads.video(media_id, thumb))

    async def sends_location(
        self, latitude: float = 31.2304, longitude: float = 121.4737, label: str = "上海市人民广场"
    ) -> Exchange:
        return await self.sends(payloads.location(latitude, longitude, label))

    async def sends_link(self, url: str, title: str = "", description: str = "") -> Exchange:
        return await self.sends(payloads.link(title or url, description, url))

    def _keep(self, data: bytes, content_type: str) -> str:
        return self._simulator.platform.keep(Medium(data, content_type, ""))

    # -- what people do --------------------------------------------------------------------------

    async def follows(self, scene: str = "") -> Exchange:
        """Follow the account, with a `scene` by scanning the QR code that stands for it."""
        self._standing.is_following = True
        fields = payloads.subscribe(scene, letters(32))
        return await self.sends(fields, Opening.SCAN if scene else Opening.FOLLOW)

    async def unfollows(self) -> Exchange:
        self._standing.leave()
        return await self.sends(payloads.event("unsubscribe"), None)

    async def scans(self, scene: str) -> Exchange:
        """Scan a QR code of the account they follow already."""
        return await self.sends(payloads.scan(scene, letters(32)), Opening.SCAN)

    async def clicks(self, key: str) -> Exchange:
        """Tap a button of the menu."""
        return await self.sends(payloads.event("CLICK", key), Opening.CLICK)

    async def views(self, url: str) -> Exchange:
        """Tap a button of the menu that leads to a page."""
        return await self.sends(payloads.event("VIEW", url, MenuId="1"), None)

    async def reports_location(self, latitude: float, longitude: float) -> Exchange:
        """Be located by WeChat as the conversation is opened."""
        return await self.sends(payloads.location_report(latitude, longitude), None)

    async def sends(self, fields: Fields, opening: Opening | None = Opening.MESSAGE) -> Exchange:
        """Send any message or event; `opening` is what it lets the site send back."""
        if opening is not None:
            with self._simulator.platform.lock:
                self._standing.open(opening, self._simulator.platform.clock.now())
        exchange = await self._simulator.sender.deliver(fields, self.openid)
        return self.looks_at(exchange)

    def looks_at(self, exchange: Exchange) -> Exchange:
        """Be shown the answer to a request."""
        if exchange.fault and self._standing.is_following:
            self.show("fault", SERVICE_FAULT)
        elif exchange.reply is not None:
            self.show("reply", exchange.reply.text, exchange.reply.media_id)
        return exchange

    # -- what they see ---------------------------------------------------------------------------

    def show(self, how: How, text: str, media_id: str = "") -> None:
        shown = Shown(how, text, self._simulator.platform.clock.now(), media_id)
        self.is_typed_to = False
        self.shown.append(shown)
        self.on_shown(shown)

    @property
    def texts(self) -> list[str]:
        """The text of each thing on the screen, oldest first."""
        return [shown.text for shown in self.shown]

    async def sees(self, text: str, *, seconds: float = 20) -> Shown:
        """Return the first thing on the screen with this in it, waiting for it; fails without."""
        deadline = time.monotonic() + seconds
        while True:
            found = next((shown for shown in self.shown if text in shown.text), None)
            if found is not None:
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"Not seen within {seconds:g} s: {text!r} in {self.texts}")
            await asyncio.sleep(0.02)
