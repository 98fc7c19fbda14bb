"""Uploads: files that people send, kept in the database, attached to messages that name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, connection
from django.db.models import Sum
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _

from conversations.api import ApiError
from conversations.file_types import ascii_name, clean_name, is_allowed, type_of
from conversations.models import Message, Upload
from scheduling.retention import prunes
from scheduling.writing import writing

if TYPE_CHECKING:
    from conversations.receiving import Incoming

SALT = "conversations.media"
#: How long one waits for a message that names it.
UNUSED_FOR = timedelta(days=1)
QUOTA_OF = timedelta(days=1)
# Any number: it stands for "somebody's quota is being looked at" among PostgreSQL's own locks.
_QUOTA_LOCK = 7_204_001


class FilesNotFound(LookupError):
    """A message names files that are not there, another's, or part of another message."""


# -- taking files ----------------------------------------------------------------------------------


def store_upload(*, participant: str, name: str, content: bytes, now: datetime) -> Upload:
    """Store a file that somebody sent; raises ApiError. Three queries."""
    name = clean_name(name)
    kind = _checked_type(content, name)
    upload = Upload(
        participant=participant,
        name=name,
        content_type=kind,
        size=len(content),
        content=content,
        created_at=now,
    )
    with writing():
        _check_quota(participant, len(content), now=now)
        upload.save(force_insert=True)
    return upload


def _checked_type(content: bytes, name: str) -> str:
    if not content:
        raise ApiError(400, "empty", _("The file is empty."))
    if len(content) > settings.BOTFLOW_MAX_UPLOAD_BYTES:
        raise too_large()
    kind = type_of(content, name)
    if not is_allowed(kind, settings.BOTFLOW_UPLOAD_TYPES):
        raise ApiError(415, "bad_type", _("Files of this kind cannot be sent."))
    return kind


def too_large() -> ApiError:
    detail = _("The file is too large: at most %(most)d bytes can be sent.")
    return ApiError(413, "too_large", detail % {"most": settings.BOTFLOW_MAX_UPLOAD_BYTES})


def _check_quota(participant: str, size: int, *, now: datetime) -> None:
    """Raise ApiError where one file more would be too much; two queries.

    SQLite has one writer at a time. PostgreSQL's lock, held to the transaction's end, keeps two
    files that are sent at once from both being the last that fits.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_QUOTA_LOCK])
    recent = Upload.objects.filter(created_at__gt=now - QUOTA_OF)
    for rows, most in (
        (recent.filter(participant=participant), settings.BOTFLOW_UPLOAD_BYTES_PER_DAY),
        (recent, settings.BOTFLOW_SITE_UPLOAD_BYTES_PER_DAY),
    ):
        if (rows.aggregate(sum=Sum("size"))["sum"] or 0) + size > most:
            detail = _("Too many files were sent within a day. Try again tomorrow.")
            raise ApiError(429, "quota", detail)


@prunes
def prune_uploads(*, now: datetime) -> int:
    """Delete files that no message named within a day; return how many."""
    unused = Upload.objects.filter(message=None, created_at__lt=now - UNUSED_FOR)
    return unused.delete()[0]


# -- addresses -------------------------------------------------------------------------------------


def url_of(upload: Upload) -> str:
    """Return the address of a file: whoever has it may read the file, nobody can make it up.

    Without the path that the site is served under: workers, who do not know it, read it too.
    """
    signature = signing.Signer(salt=SALT).signature(upload.uuid.hex)
    return f"/media/{upload.uuid}-{signature}/{ascii_name(upload.name)}"


def fields_of(upload: Upload) -> dict[str, Any]:
    """Return what a message keeps of a file, and readers are told."""
    return {
        "url": url_of(upload),
        "name": upload.name,
        "type": upload.content_type,
        "size": upload.size,
    }


def is_signed(uuid: UUID, signature: str) -> bool:
    """Tell whether an address is one of `url_of`; compared in constant time."""
    try:
        signing.Signer(salt=SALT).unsign(f"{uuid.hex}:{signature}")
    except signing.BadSignature:
        return False
    return True


def find_by_url(url: str) -> Upload | None:
    """Return the file that is at an address of this site, None for any other.

    One query, and one more for its bytes.
    """
    try:
        match = resolve(urlsplit(url).path)
    except (Resolver404, ValueError):
        return None
    if match.url_name != "media" or not is_signed(match.kwargs["uuid"], match.kwargs["signature"]):
        return None
    return Upload.objects.defer("content").filter(uuid=match.kwargs["uuid"]).first()


# -- messages with files ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attached:
    """The files of one message, in the order it names them."""

    uploads: tuple[Upload, ...] = ()

    @property
    def fields(self) -> list[dict[str, Any]]:
        return [fields_of(upload) for upload in self.uploads]

    @property
    def content_type(self) -> Message.ContentType:
        """What they are: images, or anything else among them."""
        are_images = all(one.content_type.startswith("image/") for one in self.uploads)
        return Message.ContentType.IMAGE if are_images else Message.ContentType.FILE

    def attach(self, message: Message) -> None:
        """Make them the stored message's own; joins the caller's transaction.

        Raises IntegrityError where another process gave one of them to another message, or deleted
        it, since they were found: a second look finds them used.
        """
        pks = [upload.pk for upload in self.uploads]
        rows = Upload.objects.filter(pk__in=pks, message=None)
        if rows.update(message=message) != len(pks):
            raise IntegrityError("A file was used by another message meanwhile.")


def find_files(incoming: Sequence[Incoming]) -> list[Attached | None]:
    """Return the files of each message; None for one that names any it may not have.

    It may have its participant's own that no other message has: a message that is sent again finds
    its own. One query where there are files, none where there are not.
    """
    wanted = {uuid for item in incoming for uuid in item.files}
    if not wanted:
        return [Attached()] * len(incoming)
    rows = Upload.objects.filter(uuid__in=wanted).select_related("message__conversation")
    found = {row.uuid: row for row in rows.defer("content")}
    owners: dict[UUID, int] = {}
    results: list[Attached | None] = []
    for place, item in enumerate(incoming):
        uploads = [found.get(uuid) for uuid in item.files]
        if any(
            upload is None
            or not _may_have(item, upload)
            or not _is_same(incoming[owners.setdefault(upload.uuid, place)], item)
            for upload in uploads
        ):
            results.append(None)
        else:
            results.append(Attached(tuple(upload for upload in uploads if upload)))
    return results


def _may_have(item: Incoming, upload: Upload) -> bool:
    if upload.participant != item.participant or not item.participant:
        return False
    message = upload.message
    if message is None:
        return True
    place = message.conversation
    is_same_place = (place.channel, place.address) == (item.channel, item.address)
    return is_same_place and bool(item.external_id) and message.external_id == item.external_id


def _is_same(one: Incoming, other: Incoming) -> bool:
    """Tell whether it is one message, perhaps sent twice."""
    if one is other:
        return True
    places = [(each.channel, each.address, each.external_id) for each in (one, other)]
    return places[0] == places[1] and bool(one.external_id)
