"""Whose page it is: the owner's name, logo, color and words, for templates and addresses."""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from botflow_site.shades import DARK, LIGHT, shades

#: The green of the built-in logo and of base.css.
COLOR = "#0c7565"
TYPES = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}
# How files of these types begin; an SVG has its root element somewhere near the beginning.
_SIGNATURES = {
    "image/svg+xml": re.compile(rb".{0,4096}<svg[\s>]", re.DOTALL),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
}


@dataclass(frozen=True, slots=True)
class Logo:
    """The owner's picture; `version` changes with its bytes."""

    content: bytes
    content_type: str
    version: str

    @property
    def is_image(self) -> bool:
        """Whether the file is what its name says."""
        return bool(_SIGNATURES[self.content_type].match(self.content))

    @property
    def sizes(self) -> str:
        """Its size as a manifest says it; `any` where the file does not tell simply."""
        if self.content_type == "image/png" and len(self.content) >= 24:
            width, height = struct.unpack(">II", self.content[16:24])
            return f"{width}x{height}"
        return "any"


def branding(request: HttpRequest | None = None) -> dict[str, Any]:
    """Give templates `brand`, what the owner has set: a context processor."""
    logo = read_logo()
    icon = _address("brand_logo", logo.version) if logo else _icon_address()
    return {
        "brand": {
            "name": settings.BOTFLOW_NAME,
            "welcome": settings.BOTFLOW_WELCOME,
            "suggestions": settings.BOTFLOW_SUGGESTIONS,
            # Empty for the built-in mark.
            "logo": icon if logo else "",
            "icon": icon,
            "icon_type": logo.content_type if logo else TYPES[".svg"],
            "touch_icon": icon if logo else icon_address(180),
            # Empty where base.css says it all.
            "stylesheet": _address("brand_css", version(stylesheet())) if is_colored() else "",
            "manifest": reverse("manifest"),
        }
    }


def is_colored() -> bool:
    return settings.BOTFLOW_COLOR not in ("", COLOR)


def stylesheet(color: str = "") -> str:
    """Return the variables of base.css that follow from a color, the owner's, for both themes."""
    light, dark = (
        "".join(f"{name}:{value};" for name, value in shades(color or _color(), theme).items())
        for theme in (LIGHT, DARK)
    )
    # The media query is for pages whose script that tells the theme did not run.
    return (
        f":root{{{light}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme]){{{dark}}}}}\n"
        f':root[data-theme="dark"]{{{dark}}}\n'
    )


def _color() -> str:
    return settings.BOTFLOW_COLOR or COLOR


def read_logo() -> Logo | None:
    """Return the owner's logo, None without; a file that was exchanged is read anew."""
    path = settings.BOTFLOW_LOGO
    if not path:
        return None
    try:
        changed_at = path.stat().st_mtime_ns
        return _read(path, changed_at)
    except OSError:  # it was there at the start: the page goes on with the built-in one
        return None


@lru_cache(maxsize=4)
def _read(path: Path, changed_at: int) -> Logo:
    content = path.read_bytes()
    return Logo(content, TYPES[path.suffix.lower()], version(content))


def version(content: bytes | str) -> str:
    """Return what tells this content from another in an address."""
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()[:12]


def _address(name: str, of_version: str) -> str:
    return f"{reverse(name)}?{urlencode({'v': of_version})}"


def _icon_address() -> str:
    if is_colored():
        return _address("brand_icon", _color()[1:])
    return static("conversations/favicon.svg")


def icon_address(size: int) -> str:
    """Return where the built-in mark is found as a square PNG, in the owner's color."""
    return f"{reverse('brand_png', args=[size])}?{urlencode({'v': _color()[1:]})}"
