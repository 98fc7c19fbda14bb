"""The owner's logo, colors and icons as files, the manifest of the app, and the error page."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

from django.conf import settings
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseServerError,
    JsonResponse,
)
from django.template import loader
from django.urls import reverse
from django.views.decorators.http import require_safe

from botflow_site.branding import COLOR, branding, icon_address, read_logo, stylesheet, version
from botflow_site.shades import LIGHT, mix, shades

_ICONS = Path(__file__).parent / "icons"
_MARK = Path(__file__).parents[1] / "conversations/static/conversations/favicon.svg"
# An SVG that is opened by itself may draw, and nothing else.
_SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@require_safe
def brand_css(request: HttpRequest) -> HttpResponse:
    """Show the owner's color; where a page around the chat has another one, `?color=rrggbb`."""
    other = request.GET.get("color", "")
    color = f"#{other}" if re.fullmatch(r"[0-9a-fA-F]{6}", other) else ""
    return _file(request, stylesheet(color).encode(), "text/css; charset=utf-8")


@require_safe
def brand_logo(request: HttpRequest) -> HttpResponse:
    logo = read_logo()
    if logo is None:
        raise Http404
    return _file(request, logo.content, logo.content_type, logo.version)


@require_safe
def brand_icon(request: HttpRequest) -> HttpResponse:
    """Show the built-in mark in the owner's color."""
    mark = _MARK.read_text(encoding="utf-8").replace(COLOR, _ground())
    return _file(request, mark.encode(), "image/svg+xml", _color()[1:])


@require_safe
def brand_png(request: HttpRequest, size: int) -> HttpResponse:
    """Show the built-in mark in the owner's color as a PNG; only in the sizes that are named."""
    path = _ICONS / f"{size}.png"
    if not path.is_file():
        raise Http404
    return _file(request, _colored(path.read_bytes(), _ground()), "image/png", _color()[1:])


def _colored(png: bytes, color: str) -> bytes:
    """Put a palette from the color to white into a PNG whose 16 entries go from black to white."""
    palette = "".join(mix("#ffffff", color, step / 15)[1:] for step in range(16))
    start = png.index(b"PLTE")
    chunk = b"PLTE" + bytes.fromhex(palette)
    return (
        png[:start] + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[start + len(chunk) + 4 :]
    )


def _ground() -> str:
    """Return the owner's color, dark enough for the white mark on it."""
    return shades(_color(), LIGHT)["--accent"]


def _color() -> str:
    return settings.BOTFLOW_COLOR or COLOR


def _file(
    request: HttpRequest, content: bytes, content_type: str, of_version: str = ""
) -> HttpResponse:
    """Answer with a file: for ever under the address of this version, else asked for each time."""
    of_version = of_version or version(content)
    response = HttpResponse(content, content_type=content_type)
    is_exact = request.GET.get("v") == of_version
    response.headers["Cache-Control"] = (
        "public, max-age=31536000, immutable" if is_exact else "no-cache"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = _SANDBOX
    return response


@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """Describe the page as an app that can be installed."""
    home = reverse("chat")
    content = {
        "id": home,
        "name": settings.BOTFLOW_NAME,
        "short_name": settings.BOTFLOW_NAME,
        "start_url": home,
        "scope": home,
        "display": "standalone",
        "background_color": LIGHT.ground,
        "theme_color": LIGHT.ground,
        "icons": _icons(),
    }
    response = JsonResponse(content, content_type="application/manifest+json")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _icons() -> list[dict[str, str]]:
    brand = branding()["brand"]
    logo = read_logo()
    first = {
        "src": brand["icon"],
        "type": brand["icon_type"],
        "sizes": logo.sizes if logo else "any",
        "purpose": "any",
    }
    if logo:
        return [first]
    drawn = [
        {
            "src": icon_address(size),
            "type": "image/png",
            "sizes": f"{size}x{size}",
            "purpose": purpose,
        }
        for size in (192, 512)
        for purpose in ("any", "maskable")
    ]
    return [first, *drawn]


def server_error(request: HttpRequest) -> HttpResponseServerError:
    """Show the error page with the owner's name, and with nothing that could fail once more."""
    page = loader.get_template("500.html").render(branding(request))
    return HttpResponseServerError(page)
