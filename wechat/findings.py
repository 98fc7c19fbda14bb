"""What the doctor says: one line each, with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    #: Not asked, or there was nothing yet to tell it by.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. Texts hold no secret: they are shown, printed and copied."""

    name: str
    level: Level
    text: str
    advice: str = ""


def sentences(*texts: str) -> str:
    """Return the sentences that are not empty in a row, as the active language writes them."""
    found = ""
    for text in filter(None, texts):
        values = {"one": found, "other": text}
        found = _("%(one)s %(other)s") % values if found else text
    return found


def fine(name: str, text: str) -> Finding:
    return Finding(name, Level.OK, text)


def warning(name: str, text: str, advice: str = "") -> Finding:
    return Finding(name, Level.WARNING, text, advice)


def error(name: str, text: str, advice: str = "") -> Finding:
    return Finding(name, Level.ERROR, text, advice)


def unknown(name: str, text: str, advice: str = "") -> Finding:
    return Finding(name, Level.UNKNOWN, text, advice)
