"""The owner's color in shades that can be read on the page's grounds, in both themes."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

# WCAG 2.2, 1.4.3: text against its ground.
READABLE = 4.5
STEPS = 100


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a theme of base.css puts text on, its ink included."""

    ground: str
    raised: str
    sunken: str
    ink: str
    soft: str
    #: Towards which a color is shaded until it can be read.
    end: str
    #: How much of the color the ground of one's own messages has.
    tint: float


LIGHT = Grounds("#fbfaf8", "#ffffff", "#f2f0ec", "#1d211f", "#5c6460", "#000000", 0.13)
DARK = Grounds("#141615", "#1d201e", "#1b1e1c", "#e8eae8", "#a0a8a3", "#ffffff", 0.24)


def shades(color: str, theme: Grounds) -> dict[str, str]:
    """Return base.css's variables that follow from a color: accents, and one's own messages.

    Every text that the page shows in them, or on them, has a contrast of at least 4.5.
    """
    own = _own(color, theme)
    grounds = [theme.ground, theme.raised, theme.sunken, own]
    accent = _until_readable(color, grounds, theme.end)
    strong = mix(theme.end, accent, 0.2)
    return {
        "--accent": accent,
        "--accent-strong": strong,
        "--on-accent": _on(color, accent, strong),
        "--own": own,
    }


def _own(color: str, theme: Grounds) -> str:
    """Return the ground of one's own messages: as much of the color as its texts bear."""
    for step in range(STEPS + 1):
        own = mix(color, theme.raised, theme.tint * (1 - step / STEPS))
        if min(contrast(own, theme.ink), contrast(own, theme.soft)) >= READABLE:
            return own
    return theme.raised


def _until_readable(color: str, grounds: list[str], end: str) -> str:
    """Move the color's lightness towards an end, its hue kept, until all grounds bear it."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(color))
    target = 0.0 if end == "#000000" else 1.0
    for step in range(STEPS + 1):
        moved = lightness + (target - lightness) * step / STEPS
        shade = _hex(colorsys.hls_to_rgb(hue, moved, saturation))
        if all(contrast(shade, ground) >= READABLE for ground in grounds):
            return shade
    return end


def _on(color: str, *accents: str) -> str:
    """Return what is written on buttons: white, else the color nearly black."""
    if all(contrast("#ffffff", accent) >= READABLE for accent in accents):
        return "#ffffff"
    for weight in (0.2, 0.1):
        dark = mix(color, "#000000", weight)
        if all(contrast(dark, accent) >= READABLE for accent in accents):
            return dark
    return "#000000"


def mix(color: str, other: str, weight: float) -> str:
    """Return `weight` parts of a color in one part of both."""
    pairs = zip(_channels(color), _channels(other), strict=True)
    return _hex(tuple(one * weight + two * (1 - weight) for one, two in pairs))


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colors, from 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in _channels(color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue


def _hex(channels: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(value * 255):02x}" for value in channels)
