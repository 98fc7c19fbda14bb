"""Handing over: one message goes out part by part, each claimed before and answered for after."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from conversations.channels import DeliveryError, DeliveryHeld, DeliveryUnknown
from conversations.models import Message
from scheduling.group_commit import group_commit
from wechat import claiming, templates
from wechat.account import can_send, learn
from wechat.claiming import Claim, Standing, Step, Undo
from wechat.client import client
from wechat.errors import ApiError, Reaction, Unknown, WeChatError
from wechat.ledger import Reach, left, reach
from wechat.media import Image, ImageRefused, fetch_image
from wechat.models import Follower
from wechat.outgoing import Part, Picture, parts_of, pictures_of, text_of
from wechat.reacting import Failure, check_stopped, react

logger = logging.getLogger(__name__)

# What a refused picture can mean that is no obstacle to its link.
_OF_PICTURE = {Reaction.MEDIA, Reaction.BUG, Reaction.TOO_LONG}
# What a refused template message tells of more than itself.
_OF_ALL = {Reaction.RETRY, Reaction.TOKEN, Reaction.CONFIGURATION, Reaction.REFUSED}
_CLOSED = {Reaction.WINDOW_CLOSED, Reaction.QUOTA_USED}


class Moved(Exception):
    """Somebody else handed the message over, or a part of it, meanwhile."""


class _NoWindow(Exception):
    """No window of the follower's is open, or what it allowed is used up; says why."""


@dataclass(frozen=True, slots=True)
class _Upload:
    """A picture that WeChat has, and can be given again."""

    image: Image
    media_id: str


class Handover:
    """One attempt to hand a message over, as customer-service messages or as a template message."""

    def __init__(self, message: Message, standing: Standing, follower: Follower) -> None:
        self._message = message
        self._follower = follower
        self._is_asked = standing.is_asked
        self._began = timezone.now()
        self._text = text_of(message)
        self._state = standing.state
        # As it is stored, and from where to send.
        self._stored = self._position = standing.position
        self._left = left(follower, self._began)
        self._sent = 0
        self._limit = settings.WECHAT_MAX_TEXT_BYTES
        self._uploads: dict[Picture, _Upload] = {}
        #: Why it is not known whether all of it arrived, "" if it is.
        self._doubt = ""
        if standing.state == Message.Delivery.SENDING:
            self._doubt = _("It was being sent when the worker was killed: a part may be missing.")
        elif self._is_done:
            # An operator had what was handed over sent again.
            self._position = 0

    @property
    def _is_done(self) -> bool:
        return self._position >= len(self._text)

    async def carry_out(self) -> None:
        """Send what has not been sent.

        Raises Moved, and what `Channel.deliver` may. What is in doubt is never tried again by
        itself: the rest is kept then where it could not be sent at once.
        """
        try:
            await self._hand_over()
        except DeliveryError as error:
            if not self._doubt or error.permanent:
                raise
            raise DeliveryHeld(f"{self._doubt} {error}") from None
        if self._doubt:
            raise DeliveryUnknown(self._doubt)

    async def _hand_over(self) -> None:
        if self._is_done:
            return
        self._check_follower()
        if await can_send() is False:
            raise DeliveryHeld(self._with_doubt(_("This account can only reply.")))
        await check_stopped()
        try:
            await self._send_parts()
        except _NoWindow as closed:
            await self._reach_otherwise(str(closed))

    async def _send_parts(self) -> None:
        if not self._left:
            raise _NoWindow(self._why_closed())
        await self._upload_pictures()
        try:
            await self._send_all(self._plan(self._uploads), own={Reaction.TOO_LONG})
        except ApiError:
            self._limit //= 2
            await self._send_all(self._plan(self._uploads))
        if not self._is_done:
            raise DeliveryHeld(self._with_doubt(_rest_waits()))

    def _plan(self, pictures: Collection[Picture]) -> list[Part]:
        most = min(settings.WECHAT_MAX_PARTS, self._left) - self._sent
        if most < 1:
            raise DeliveryHeld(self._with_doubt(_rest_waits()))
        in_order = sorted(pictures, key=lambda picture: picture.start)
        with translation.override(self._message.conversation.locale):
            return parts_of(
                self._text, self._position, limit=self._limit, most=most, pictures=in_order
            )

    async def _send_all(self, parts: list[Part], own: Collection[Reaction] = ()) -> None:
        for part in parts:
            if part.picture:
                await self._send_picture(part, self._uploads[part.picture])
            else:
                await self._send_text(part.text, part.end, own)

    async def _send_text(self, text: str, end: int, own: Collection[Reaction] = ()) -> None:
        await self._step(end, lambda: client().send_text(self._follower.openid, text), own)

    # -- pictures ----------------------------------------------------------------------------------

    async def _upload_pictures(self) -> None:
        """Give WeChat the pictures there is room for; any that fails stays a link."""
        planned = [part.picture for part in self._plan(pictures_of(self._message, self._text))]
        pictures = [picture for picture in planned if picture]
        uploads = await asyncio.gather(*(_upload(picture.url) for picture in pictures))
        self._uploads = {
            picture: upload for picture, upload in zip(pictures, uploads, strict=True) if upload
        }

    async def _send_picture(self, part: Part, upload: _Upload) -> None:
        """Send a picture; one that WeChat has lost once more, one that it refuses as its link."""
        openid, media_id = self._follower.openid, upload.media_id
        for is_last in (False, True):
            try:
                send = partial(client().send_image, openid, media_id)
                return await self._step(part.end, send, _OF_PICTURE)
            except ApiError as error:
                if is_last or error.reaction is not Reaction.MEDIA:
                    break
            media_id = await _media_id(upload.image)
            if not media_id:
                break
        await self._send_text(part.text, part.end)

    # -- a template message ------------------------------------------------------------------------

    async def _reach_otherwise(self, why: str) -> None:
        """Send a template message for what was not asked for, if there is one; else keep it."""
        is_untouched = self._state == Message.Delivery.WAITING and self._position == 0
        if self._is_asked or not (is_untouched and templates.is_configured()):
            raise DeliveryHeld(self._with_doubt(why))
        filled = templates.fill(
            self._text, at=self._message.created_at, zone=self._message.conversation.timezone
        )
        send = partial(self._send_template, filled.fields)
        try:
            await self._step(0, send, set(Reaction) - _OF_ALL, has_cost=False)
        except ApiError as error:
            raise DeliveryHeld(f"{why} {error}") from None
        if not filled.is_whole:
            raise DeliveryHeld(_("A template message told of it; the whole text goes out later."))

    async def _send_template(self, fields: dict[str, str]) -> None:
        self._message.provider_id = await client().send_template(
            self._follower.openid, settings.WECHAT_TEMPLATE_ID, fields
        )

    # -- one step ----------------------------------------------------------------------------------

    async def _step(
        self,
        end: int,
        send: Callable[[], Awaitable[None]],
        own: Collection[Reaction] = (),
        *,
        has_cost: bool = True,
    ) -> None:
        """Claim a part, send it, and note what came of it.

        A refusal whose reaction is among `own` is raised as it is, with nothing changed; any other
        failure as what it means for the message.
        """
        step = Step(
            self._message.pk,
            self._follower.openid,
            state=self._state,
            position=self._stored,
            end=end,
            now=timezone.now(),
            has_cost=has_cost,
        )
        begun = await group_commit()(claiming.begin, step)
        if begun.claim is Claim.MOVED:
            raise Moved
        if begun.claim is Claim.NO_QUOTA:
            raise _NoWindow(self._why_closed())
        unclear = ""
        try:
            await send()
        except Unknown as error:
            unclear = str(error)
        except WeChatError as error:
            await group_commit()(claiming.take_back, Undo(step, begun.window))
            self._state = Message.Delivery.WAITING
            if isinstance(error, ApiError) and error.reaction in own:
                raise
            raise await self._meaning_of(error, step) from None
        self._state = Message.Delivery.SENDING
        self._stored = self._position = end
        self._sent += 1
        await self._note_outcome(unclear)

    async def _note_outcome(self, unclear: str) -> None:
        if not unclear:
            if await can_send() is None:
                await learn(True)
            return
        was_in_doubt, self._doubt = bool(self._doubt), unclear
        if was_in_doubt and not self._is_done:
            # WeChat does not answer: the rest would get lost as well.
            raise DeliveryHeld(self._with_doubt(_rest_waits()))

    async def _meaning_of(self, error: WeChatError, step: Step) -> Exception:
        openid, conversation = step.openid, self._message.conversation_id
        outcome = await react(Failure(error, openid, conversation, step.now))
        is_closed = isinstance(error, ApiError) and error.reaction in _CLOSED
        return _NoWindow(str(error)) if is_closed else outcome

    def _with_doubt(self, sentence: str) -> str:
        return f"{self._doubt} {sentence}" if self._doubt else sentence

    def _check_follower(self) -> None:
        if not self._follower.is_subscribed:
            raise DeliveryError(_("The account is not followed any more."), permanent=True)
        if self._follower.refusal:
            raise DeliveryError(self._follower.refusal, permanent=True)

    def _why_closed(self) -> str:
        if reach(self._follower, timezone.now()) is Reach.CLOSED:
            return _("The follower wrote more than 48 hours ago.")
        return _("WeChat allows no more messages until the follower writes.")


def _rest_waits() -> str:
    return _("The rest goes out when the follower asks for more.")


async def _upload(url: str) -> _Upload | None:
    """Have WeChat take a picture from the web; None, for its link to do, if anything is wrong."""
    try:
        image = await fetch_image(url)
    except ImageRefused as refused:
        # Not where it is: the address is part of what was said.
        logger.info("A picture stays a link: %s", refused)
        return None
    media_id = await _media_id(image)
    return _Upload(image, media_id) if media_id else None


async def _media_id(image: Image) -> str:
    try:
        return await client().upload_image(image.name, image.data, image.content_type)
    except WeChatError as error:
        logger.warning("A picture stays a link: %s", error)
        return ""
