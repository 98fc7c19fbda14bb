"""Where files come in and go out: `/api/uploads` takes one, `/media/` hands it out to look at."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotModified,
    JsonResponse,
)
from django.utils import timezone
from django.utils.http import content_disposition_header, parse_etags
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from conversations.api import ApiError, resource
from conversations.file_types import served_type
from conversations.identity import Identity
from conversations.models import Upload
from conversations.uploads import fields_of, is_signed, store_upload, too_large

# What a request holds beside its file: the headers of its parts and what parts them.
OVERHEAD_BYTES = 65_536
#: The codes for which the page has a sentence.
REFUSALS = ["too_large", "bad_type", "empty", "quota", "uploads_off"]
# A year: what is at an address never changes.
_LIFETIME = "private, max-age=31536000, immutable"
_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": _LIFETIME,
}


class OneFile(FileUploadHandler):
    """Keeps the one file of a request in memory, and stops reading where it gets too large."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.name = ""
        self.parts: list[bytes] = []
        self.size = 0
        self.is_seen = False

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self.is_seen:
            raise StopUpload(connection_reset=False)
        self.is_seen = True
        self.name = str(self.file_name)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self.size += len(raw_data)
        if self.size > settings.BOTFLOW_MAX_UPLOAD_BYTES:
            raise StopUpload(connection_reset=False)
        self.parts.append(raw_data)
        return None

    def file_complete(self, file_size: int) -> None:
        return None


def upload_limits() -> dict[str, Any] | None:
    """Return what the page tells people of the limits; None where files are not taken."""
    if not settings.BOTFLOW_UPLOADS:
        return None
    return {
        "maxFiles": settings.BOTFLOW_MAX_FILES,
        "maxBytes": settings.BOTFLOW_MAX_UPLOAD_BYTES,
        "refusals": REFUSALS,
    }


@csrf_exempt  # `resource` checks it, once the handler that bounds the file is there.
def uploads(request: HttpRequest) -> HttpResponseBase:
    """Take one file (`file` of a multipart form); its id is for the `files` of a message."""
    try:
        if not settings.BOTFLOW_UPLOADS:
            raise ApiError(403, "uploads_off", _("This site takes no files."))
        if _length(request) > settings.BOTFLOW_MAX_UPLOAD_BYTES + OVERHEAD_BYTES:
            raise too_large()
    except ApiError as refused:
        return refused.response
    file = OneFile(request)
    request.upload_handlers = [file]
    return resource(POST=partial(_take, file))(request)


def _length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _take(file: OneFile, request: HttpRequest, identity: Identity) -> HttpResponseBase:
    _ = request.FILES  # Has the request read, unless the check for forgery did.
    if file.size > settings.BOTFLOW_MAX_UPLOAD_BYTES:
        raise too_large()
    upload = store_upload(
        participant=identity.participant,
        name=file.name,
        content=b"".join(file.parts),
        now=timezone.now(),
    )
    return JsonResponse({"id": str(upload.uuid), **fields_of(upload)}, status=201)


@require_safe
def media(request: HttpRequest, uuid: UUID, signature: str, name: str) -> HttpResponse:
    """Hand out a file to whoever has its address, in a way that no browser runs any of it."""
    if not is_signed(uuid, signature):
        raise Http404
    found = Upload.objects.filter(uuid=uuid)
    about = found.values_list("name", "content_type").first()
    if about is None:
        raise Http404
    etag = f'"{uuid.hex}"'
    response: HttpResponse
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        response = HttpResponseNotModified()
    else:
        response = HttpResponse(
            found.values_list("content", flat=True).get(), content_type=served_type(about[1])
        )
        response["Content-Disposition"] = content_disposition_header(True, about[0]) or "attachment"
    response["ETag"] = etag
    for header, value in _HEADERS.items():
        response[header] = value
    return response
