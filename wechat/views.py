"""The webhook: what WeChat posts becomes messages; answers that are ready in time go back."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt

from conversations.arriving import arrive
from conversations.models import Message
from scheduling.group_commit import group_commit
from wechat.account import can_send
from wechat.holding import Awaited, holding
from wechat.kinds import Arrival, Kind, read_arrival
from wechat.noting import TYPING_AFTER, Noted, Request, note
from wechat.recalling import Coming, Recalled, recall
from wechat.security import MAX_BODY, Config, Envelope, Refused, open_post, verify_get
from wechat.taking import Wish, put_back, take
from wechat.texts import holding_text, too_fast_text
from wechat.xml_in import BadXml

logger = logging.getLogger(__name__)

# WeChat hangs up after 5 s and sends again, three requests in all: what is kept open for longer
# is not answered on purpose.
HANGS_UP_AFTER = 5.8
# The third request comes about 10 s after the first, the second about 5 s.
LAST_AFTER = timedelta(seconds=7.2)


@csrf_exempt
async def webhook(request: HttpRequest) -> HttpResponse:
    """Answer WeChat: 4xx to what is not authentic, 200 to everything that is.

    GET proves that the site knows the token. POST brings one message or event. Not found on a site
    without a token.
    """
    if not settings.WECHAT_TOKEN:
        raise Http404
    if request.method not in ("GET", "POST"):
        return _plain("Only GET and POST.", status=405)
    started, now = time.monotonic(), timezone.now()
    config = Config.from_settings()
    try:
        if request.method == "GET":
            return _plain(verify_get(request.GET, config, now=now))
        envelope = open_post(request.GET, _body(request), config, now=now)
        arrival = read_arrival(
            envelope.fields, locale=settings.WECHAT_LOCALE, timezone=settings.WECHAT_TIME_ZONE
        )
        return await _Post(envelope, arrival, config, started, now).respond()
    except Refused as refused:
        logger.warning("A request was refused: %s", refused.reason)
        return _plain(refused.reason, status=refused.status)
    except BadXml as error:
        logger.warning("A request could not be read: %s", error)
        return _plain("The message cannot be read.", status=400)


def _plain(text: str, *, status: int = 200) -> HttpResponse:
    response = HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
    response.headers["X-Content-Type-Options"] = "nosniff"  # the echo is whatever was sent
    # Django's own line about a refusal would hold the request, its query with the signature too.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _body(request: HttpRequest) -> bytes:
    """Return the body; raises Refused for one that is larger than any message."""
    body = request.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise Refused(413, "The body is too large.")
    return body


@dataclass(frozen=True, slots=True)
class _Post:
    """One authentic request; `started` on the monotonic clock."""

    envelope: Envelope
    arrival: Arrival
    config: Config
    started: float
    now: datetime

    async def respond(self) -> HttpResponse:
        try:
            reply = await self._reply()
        except Refused:
            raise
        except Exception:  # Boundary: WeChat shows its users an error for anything but a 200.
            logger.exception("A message from WeChat could not be taken in; it is sent again.")
            await self._sleep_until(HANGS_UP_AFTER)
            reply = ""
        return self._response(reply)

    def _response(self, reply: str) -> HttpResponse:
        if not reply:
            return _plain("success")
        sealed = self.envelope.seal(reply, now=timezone.now())
        return HttpResponse(sealed, content_type="application/xml; charset=utf-8")

    async def _reply(self) -> str:
        """Store what came and return what goes back as XML, "" for nothing."""
        arrival = await self._recognize()
        received = await arrive(arrival.incoming)
        service = await can_send()
        request = await group_commit()(note, self._noted(received.message, arrival, service))
        if request.reply or not arrival.may_reply:
            return request.reply
        message = received.message
        awaited = Awaited(message.pk, message.conversation_id, arrival.kind == Kind.PICKUP)
        is_there = await holding().wait(awaited, seconds=self._left(settings.WECHAT_REPLY_DEADLINE))
        return await self._take(awaited, request, is_there=is_there)

    async def _recognize(self) -> Arrival:
        """Return what arrived as it is to be treated, knowing what its follower sent before."""
        arrival, is_sealed = self.arrival, self.envelope.aes_key is not None
        if arrival.kind != Kind.QUESTION and is_sealed:
            return arrival
        coming = Coming(arrival.incoming, self.envelope.signature, self.now)
        before = await group_commit().look(recall, coming)
        if before.is_replayed and not is_sealed:
            # Without encryption the signature does not cover the body.
            raise Refused(403, "This signature came with another message.")
        return _treated(arrival, before) if arrival.kind == Kind.QUESTION else arrival

    def _noted(self, message: Message, arrival: Arrival, service: bool | None) -> Noted:
        typing = settings.WECHAT_TYPING and service is not False
        return Noted(
            message,
            arrival,
            self.envelope.signature,
            self.now,
            held_until=self.now + timedelta(seconds=settings.WECHAT_REPLY_DEADLINE),
            # At once where it is not known yet whether messages may be sent: the answer tells.
            typing_after=(TYPING_AFTER if service else 0.0) if typing else None,
        )

    async def _take(self, awaited: Awaited, request: Request, *, is_there: bool) -> str:
        has_service = await can_send() is not False
        is_last = self.now - request.first_at >= LAST_AFTER
        is_silent = not (is_there or has_service)
        with translation.override(settings.WECHAT_LOCALE):
            otherwise = holding_text() if is_silent and is_last else ""
        fields = self.envelope.fields
        wish = Wish(
            awaited.message,
            awaited.conversation,
            to=str(fields["FromUserName"]),
            sender=str(fields["ToUserName"]),
            now=timezone.now(),
            has_service=has_service,
            otherwise=otherwise,
            is_unanswered=not is_there,
        )
        reply = await self._claim(wish, is_last=is_last)
        if not reply and is_silent:
            await self._sleep_until(HANGS_UP_AFTER)
        return reply

    async def _claim(self, wish: Wish, *, is_last: bool) -> str:
        """Take what there is; when WeChat hangs up meanwhile its next request gets the same."""
        claim = asyncio.ensure_future(group_commit()(take, wish))
        try:
            return await asyncio.shield(claim)
        except asyncio.CancelledError:
            if is_last:
                await claim
                await group_commit()(put_back, wish.message)
            raise

    def _left(self, seconds: float) -> float:
        return max(self.started + seconds - time.monotonic(), 0.0)

    async def _sleep_until(self, seconds: float) -> None:
        await asyncio.sleep(self._left(seconds))


def _treated(arrival: Arrival, before: Recalled) -> Arrival:
    if before.is_pickup:
        return replace(arrival, kind=Kind.PICKUP, incoming=replace(arrival.incoming, reply=""))
    if before.is_too_fast:
        with translation.override(settings.WECHAT_LOCALE):
            text = too_fast_text()
        return replace(arrival, kind=Kind.NOTICE, incoming=replace(arrival.incoming, reply=text))
    return arrival
