"""A fake WeChat on loopback: the API it serves, the followers it has, the site it posts to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from types import TracebackType
from typing import Self

from wechat.simulator import payloads
from wechat.simulator.account import OfficialAccount
from wechat.simulator.faults import Fault
from wechat.simulator.follower import Follower
from wechat.simulator.sender import HANGS_UP_AFTER, REQUESTS, Exchange, Sender, require_loopback
from wechat.simulator.server import PICTURES, ApiServer
from wechat.simulator.state import Call, Platform, Push


class Simulator:
    """Runs within its `async with` block: the API in threads, requests to the site in the loop.

    A site that belongs to it is started with `settings()` as its environment; then `connect` says
    where it is.
    """

    def __init__(
        self,
        account: OfficialAccount | None = None,
        *,
        port: int = 0,
        hangs_up_after: float = HANGS_UP_AFTER,
        requests: int = REQUESTS,
    ) -> None:
        self.account = account or OfficialAccount()
        self.platform = Platform(self.account, self._pushed, self._template_sent)
        # First: it is what fails if somebody has the port already.
        self._server = ApiServer(self.platform, port)
        self.sender = Sender(
            self.account,
            hangs_up_after=hangs_up_after,
            requests=requests,
            media=lambda: self.platform.media,
        )
        self.followers: dict[str, Follower] = {}
        #: How the next template messages end, as TEMPLATESENDJOBFINISH says it.
        self.template_status = "success"
        #: Seconds after which that is said.
        self.template_reported_after = 0.5
        self.on_typing: Callable[[Follower], None] = lambda _follower: None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._events: set[Future[Exchange]] = set()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._server.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self._server.close)
        for event in list(self._events):
            event.cancel()
        await self.sender.close()

    # -- the site --------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where the API is: the site's WECHAT_API_BASE_URL."""
        return self._server.url

    def settings(self) -> dict[str, str]:
        """Return the environment that a site needs to belong to this account."""
        return self.account.settings(self.url)

    def connect(self, target: str) -> None:
        """Post to this address of the site from now on; raises NotLoopback for another machine."""
        self.sender.target = require_loopback(target)

    async def verify(self) -> bool:
        """Return whether the site answers as WeChat's console wants it, when entered there."""
        return await self.sender.verify()

    # -- the followers ---------------------------------------------------------------------------

    def follower(self, openid: str = "", *, is_following: bool = True) -> Follower:
        """Return a new follower, who follows from the start, or does so by `follows()`."""
        with self.platform.lock:
            if openid and openid in self.followers:
                return self.followers[openid]
            follower = Follower(self, openid, is_following=is_following)
            self.followers[follower.openid] = follower
        return follower

    def picture_url(self, media_id: str) -> str:
        return f"{self.url}{PICTURES}{media_id}/0"

    def _pushed(self, push: Push) -> None:
        """Show what the site sent unasked; called in a thread of the API."""
        follower = self.followers[push.openid]
        if push.kind == "typing":
            follower.is_typed_to = True
            self.on_typing(follower)
        elif push.kind == "template":
            follower.show("template", push.text)
        else:
            follower.show("message", push.text, push.media_id)

    def _template_sent(self, openid: str, message_id: int) -> None:
        """Report to the site what became of a template message; called in a thread of the API."""
        if self._loop is None or not self.sender.target:
            return
        work = self._report_template(openid, message_id)
        event = asyncio.run_coroutine_threadsafe(work, self._loop)
        self._events.add(event)
        event.add_done_callback(self._events.discard)

    async def _report_template(self, openid: str, message_id: int) -> Exchange:
        await asyncio.sleep(self.template_reported_after)
        fields = payloads.template_finished(message_id, self.template_status)
        return await self.sender.deliver(fields, openid)

    # -- the platform ----------------------------------------------------------------------------

    def advance(self, **by: float) -> None:
        """Move the clock that windows go by: `advance(hours=49)`. Nothing else moves with it."""
        with self.platform.lock:
            self.platform.clock.advance(timedelta(**by))

    def fail(
        self,
        path: str,
        *,
        errcode: int = 0,
        errmsg: str = "",
        status: int = 200,
        body: bytes | None = None,
        drops: bool = False,
        delay_seconds: float = 0.0,
        carried_out: bool = False,
        times: int | None = 1,
    ) -> None:
        """Play a fault at the next calls of a path: `fail("message/custom/send", errcode=45047)`.

        With a code, a status or a body that is answered instead; `drops` closes the connection
        without an answer. The call is not carried out then, unless `carried_out` says so: only its
        answer is lost. `times=None` goes on for ever.
        """
        fault = Fault(path, errcode, errmsg, status, body, drops, delay_seconds, carried_out, times)
        with self.platform.lock:
            self.platform.script.add(fault)

    def clear_faults(self) -> None:
        with self.platform.lock:
            self.platform.script.clear()

    def expire_tokens(self) -> None:
        """Have every access token be refused with 42001 from now on."""
        with self.platform.lock:
            self.platform.tokens.expire()

    def revoke_tokens(self) -> None:
        """Have every access token be refused with 40001 from now on."""
        with self.platform.lock:
            self.platform.tokens.revoke()

    def calls(self, path: str = "") -> list[Call]:
        """Return the calls of a path, or all, oldest first."""
        with self.platform.lock:
            return [call for call in self.platform.calls if path in ("", call.path)]
