"""The web API of conversations: lists, makes, names, deletes, exports and searches them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from conversations import exporting, listing, searching
from conversations.api import ApiError, body_of, not_found, resource
from conversations.channels.web import NOT_FOUND, send_frames
from conversations.erasing import erase
from conversations.frames import conversation_frame
from conversations.identity import Identity
from conversations.models import Conversation
from conversations.texts import clean
from scheduling.writing import writing


def _index(request: HttpRequest, identity: Identity) -> HttpResponseBase:
    try:
        listed = listing.list_conversations(identity, request.GET.get("before", ""))
    except (ValueError, OverflowError):
        raise ApiError(400, "bad_request", _("There is no such page.")) from None
    rows = [_shown(row, row.pk in listed.answering) for row in listed.conversations]
    more = listed.after is not None
    return JsonResponse({"conversations": rows, "more": more, "before": listed.after})


def _begin(request: HttpRequest, identity: Identity) -> HttpResponseBase:
    try:
        made = listing.begin_conversation(identity, locale=get_language() or "", now=timezone.now())
    except listing.TooManyConversations:
        detail = _("You have too many conversations. Delete some you no longer need.")
        raise ApiError(429, "too_many", detail) from None
    return JsonResponse(_shown(made, False), status=201)


def _rename(request: HttpRequest, identity: Identity, name: UUID) -> HttpResponseBase:
    conversation = _find(identity, name)
    title = body_of(request).get("title")
    title = " ".join(clean(title).split()) if isinstance(title, str) else ""
    if not 0 < len(title) <= listing.TITLE_LENGTH:
        detail = _("A title has between 1 and %d characters.") % listing.TITLE_LENGTH
        raise ApiError(400, "bad_title", detail)
    listing.rename(conversation, title)
    async_to_sync(send_frames)(name, [conversation_frame(name, title=title)])
    return JsonResponse(_shown(conversation, False))


def _delete(request: HttpRequest, identity: Identity, name: UUID) -> HttpResponseBase:
    conversation = _find(identity, name)
    with writing():
        erase([conversation], now=timezone.now())
    gone = [conversation_frame(name, is_deleted=True)]
    async_to_sync(send_frames)(name, gone, close=NOT_FOUND)
    return HttpResponse(status=204)


def _export(request: HttpRequest, identity: Identity, name: UUID) -> HttpResponseBase:
    conversation = _find(identity, name)
    kind = request.GET.get("format", "md")
    if kind not in exporting.FORMATS:
        detail = _("“format” must be one of %s.") % ", ".join(exporting.FORMATS)
        raise ApiError(400, "bad_request", detail)
    return exporting.download(conversation, kind, now=timezone.now())


def _search(request: HttpRequest, identity: Identity) -> HttpResponseBase:
    before = request.GET.get("before")
    try:
        found = searching.search(
            identity, clean(request.GET.get("q", "")), UUID(before) if before else None
        )
    except ValueError:
        raise ApiError(400, "bad_request", _("There is no such page.")) from None
    hits = [searching.hit_of(message, found.terms) for message in found.messages]
    after = str(found.after) if found.after else None
    return JsonResponse({"hits": hits, "more": after is not None, "before": after})


def _find(identity: Identity, name: UUID) -> Conversation:
    try:
        return listing.find_conversation(identity, name)
    except Conversation.DoesNotExist:
        raise not_found() from None


def _shown(row: Conversation, is_answering: bool) -> dict[str, Any]:
    return {
        "id": str(row.uuid),
        **({"shared": True} if hasattr(row, "shared_link") else {}),
        "title": row.title,
        "updated_at": row.updated_at.isoformat(),
        "seq": row.seq,
        "read_seq": row.read_seq,
        "unread": row.seq > row.read_seq,
        "answering": is_answering,
    }


conversations = resource(GET=_index, POST=_begin)
conversation = resource(PATCH=_rename, DELETE=_delete)
export = resource(GET=_export)
search = resource(GET=_search)
