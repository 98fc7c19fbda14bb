"""Static files over the wire: texts go out compressed, each compressed once and kept in memory."""

from __future__ import annotations

import gzip
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

# Below this one more header costs what is saved.
LEAST_BYTES = 500
TEXTS = ("text/", "application/json", "application/manifest+json", "image/svg+xml")


def serve(file: StaticFile, request: HttpRequest) -> HttpResponseBase:
    """Answer with the file, a text compressed for those who take it so.

    Not a part of one, which a range asks for; and not where a compressed file lies beside it, which
    WhiteNoise hands out by itself.
    """
    _, path, headers = file.alternatives[-1]  # the file itself: the largest of its alternatives
    kind = dict(headers)
    is_text = kind["Content-Type"].startswith(TEXTS) and int(kind["Content-Length"]) >= LEAST_BYTES
    if len(file.alternatives) > 1 or not is_text:
        return plain(file, request)
    response: HttpResponseBase
    if _is_compressed_for(request) and not file.is_not_modified(request.META):
        response = _compressed(path, file.etag, dict(headers), is_head=request.method == "HEAD")
    else:
        response = plain(file, request)
    # With a 304 too: whatever keeps copies must keep one for each encoding.
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


def plain(file: StaticFile, request: HttpRequest) -> HttpResponseBase:
    response: HttpResponseBase = WhiteNoiseMiddleware.serve(file, request)
    return response


def _is_compressed_for(request: HttpRequest) -> bool:
    """Tell whether the whole file is asked for, and may be gzip: every browser says so plainly."""
    offers = request.headers.get("Accept-Encoding", "").split(",")
    is_whole = request.method in ("GET", "HEAD") and "Range" not in request.headers
    return is_whole and "gzip" in {offer.strip().lower() for offer in offers}


def _compressed(path: str, etag: str, headers: dict[str, str], *, is_head: bool) -> HttpResponse:
    body = _gzipped(path, etag)
    changed = {"Content-Encoding": "gzip", "Content-Length": str(len(body))}
    response = HttpResponse(b"" if is_head else body, status=HTTPStatus.OK)
    for name, value in (headers | changed).items():
        response.headers[name] = value
    return response


@lru_cache(maxsize=512)
def _gzipped(path: str, etag: str) -> bytes:
    """Compress the file; by its `etag` one that was changed meanwhile is another."""
    return gzip.compress(Path(path).read_bytes(), 9, mtime=0)
