"""A site carries its owner's name, logo, color and words, and shows them to nobody as markup."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage
from django.test import Client

from botflow_site import checks
from botflow_site.brand_views import server_error
from botflow_site.shades import contrast

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HOSTILE = '</script><img src=x onerror="alert(1)">'


@pytest.fixture(autouse=True)
def no_database(settings: Any) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    settings.BOTFLOW_CHAT_ACCESS = "anonymous"


@pytest.fixture
def set_logo(settings: Any, tmp_path: Path) -> Callable[[str, bytes], Path]:
    """Return a function that makes a file of that name and content the site's logo."""

    def set_it(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        settings.BOTFLOW_LOGO = path
        return path

    return set_it


def png(width: int = 300, height: int = 200) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    end = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + end


def page(path: str = "/", **headers: str) -> str:
    return Client().get(path, headers=headers).content.decode()


def links(source: str) -> dict[str, str]:
    return {
        found["rel"]: found["href"]
        for found in re.finditer(r'<link rel="(?P<rel>[\w-]+)"\s+href="(?P<href>[^"]*)"', source)
    }


# -- the name and the words ------------------------------------------------------------------------


def test_the_name_stands_wherever_the_product_is_named(settings: Any, rf: Any) -> None:
    settings.BOTFLOW_NAME = "Ada"
    failure = server_error(rf.get("/")).content.decode()
    pages = [page(), page("/login"), page("/nowhere"), failure]
    pages += [page("/", **{"accept-language": "zh-CN"})]

    for source in pages:
        assert re.search("<title>[^<]*Ada</title>", source)
        assert "BotFlow" not in re.sub(r"(?s)<script.*?</script>", "", source)
    setup = re.search(r'<script id="setup"[^>]*>(.*?)</script>', pages[0])
    assert setup
    assert json.loads(setup[1])["texts"]["assistant"] == "Ada"
    assert json.loads(page("/manifest.webmanifest"))["name"] == "Ada"


def test_the_owners_words_are_shown_and_are_no_markup(settings: Any) -> None:
    settings.BOTFLOW_NAME = settings.BOTFLOW_WELCOME = HOSTILE
    settings.BOTFLOW_SUGGESTIONS = [HOSTILE, "Where is my order?"]

    source = page()

    assert "<img src=x" not in source
    assert source.count("&lt;img src=x onerror=") >= 4
    assert 'data-ask="Where is my order?"' in source
    assert "What can you do?" not in source


# -- the logo --------------------------------------------------------------------------------------


def test_a_logo_is_served_as_what_it_is_and_kept_for_ever(
    set_logo: Callable[[str, bytes], Path],
) -> None:
    set_logo("logo.svg", SVG)
    source = page()
    address = links(source)["icon"]

    answer = Client().get(address)

    assert f'<img class="logo" src="{address}" alt=""' in source
    assert (answer.content, answer.headers["Content-Type"]) == (SVG, "image/svg+xml")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert "immutable" in answer.headers["Cache-Control"]
    assert Client().get("/brand/logo").headers["Cache-Control"] == "no-cache"


def test_a_logo_that_is_exchanged_has_another_address(
    set_logo: Callable[[str, bytes], Path],
) -> None:
    path = set_logo("logo.png", png())
    before = links(page())["icon"]
    path.write_bytes(png(512, 512))
    after = links(page())["icon"]
    path.unlink()

    assert before != after
    assert links(page())["icon"].endswith("favicon.svg")


def test_without_a_logo_there_is_none(settings: Any) -> None:
    settings.BOTFLOW_LOGO = None

    assert Client().get("/brand/logo").status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.svg", SVG, []),
        ("a.png", png(), []),
        ("a.jpg", b"\xff\xd8\xff\xe0", []),
        ("a.webp", b"RIFF\0\0\0\0WEBPVP8 ", []),
        ("a.png", SVG, ["botflow.E010"]),
        ("a.svg", b"<html></html>", ["botflow.E010"]),
        ("a.jpg", png(), ["botflow.E010"]),
        ("a.webp", b"", ["botflow.E010"]),
        ("a.png", png() + b"\0" * 300_000, ["botflow.W003"]),
    ],
)
def test_a_logo_is_an_image_of_the_kind_its_name_says(
    set_logo: Callable[[str, bytes], Path], name: str, content: bytes, found: list[str]
) -> None:
    set_logo(name, content)
    problems: list[CheckMessage] = checks.check_logo(None)

    assert [problem.id for problem in problems] == found


# -- the color -------------------------------------------------------------------------------------


def variables(block: str) -> dict[str, str]:
    return dict(re.findall(r"(--[\w-]+):\s*([^;]+);", block))


def themes(source: str) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Return the variables of a stylesheet: light, dark, and dark where no script ran."""
    light = re.search(r"(?s)^:root\s*{(.*?)}", source, re.MULTILINE)
    dark = re.search(r'(?s):root\[data-theme="dark"\]\s*{(.*?)}', source)
    without = re.search(r"(?s):root:not\(\[data-theme\]\)\s*{(.*?)}", source)
    assert light and dark and without
    return variables(light[1]), variables(dark[1]), variables(without[1])


def base_css() -> str:
    root = Path(__file__).resolve().parents[2]
    return (root / "conversations/static/conversations/base.css").read_text(encoding="utf-8")


def test_the_page_is_dark_in_the_same_colors_with_and_without_a_script() -> None:
    _light, dark, without = themes(base_css())

    assert dark == without
    assert len(dark) > 10


COLORS = ["#000000", "#ffffff", "#ffff00", "#0000ff", "#ff0000", "#00ff7f", "#808080", "#c8102e"]
COLORS += ["#fde68a", "#1e1b4b", "#0c7565", "#7c3aed", "#f97316", "#00ffff"]


@pytest.mark.parametrize("color", COLORS)
def test_whatever_color_the_owner_has_everything_can_be_read(settings: Any, color: str) -> None:
    settings.BOTFLOW_COLOR = color
    answer = Client().get("/brand.css")
    brand = themes(answer.content.decode())
    base = themes(base_css())

    assert answer.headers["Content-Type"].startswith("text/css")
    for theirs, ours in zip(brand, (base[0], base[0] | base[1], base[0] | base[2]), strict=True):
        shown = ours | theirs
        for accent in ("--accent", "--accent-strong"):
            for ground in ("--ground", "--raised", "--sunken", "--own"):
                assert contrast(shown[accent], shown[ground]) >= 4.5, (accent, ground)
            assert contrast(shown["--on-accent"], shown[accent]) >= 4.5
        for ink in ("--ink", "--soft"):
            assert contrast(shown[ink], shown["--own"]) >= 4.5


def test_the_color_comes_as_a_stylesheet_with_an_address_of_its_own(settings: Any) -> None:
    settings.BOTFLOW_COLOR = ""
    assert "/brand.css" not in page()
    settings.BOTFLOW_COLOR = "#7c3aed"
    source = page()
    [address] = re.findall(r'<link rel="stylesheet" href="(/brand[^"]*)">', source)

    assert "immutable" in Client().get(address).headers["Cache-Control"]
    assert source.index("base.css") < source.index(address)
    assert b"#7c3aed" in Client().get(links(source)["icon"]).content
    settings.BOTFLOW_COLOR = "#c8102e"
    assert address not in page()


# -- the installed page ----------------------------------------------------------------------------


def test_the_page_can_be_installed(settings: Any) -> None:
    settings.BOTFLOW_COLOR = "#7c3aed"
    answer = Client().get(links(page())["manifest"])
    manifest = answer.json()

    assert answer.headers["Content-Type"] == "application/manifest+json"
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == (
        "/",
        "/",
        "standalone",
    )
    kinds = {(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]}
    assert kinds >= {("any", "any"), ("192x192", "any"), ("512x512", "maskable")}
    for icon in manifest["icons"]:
        shown = Client().get(icon["src"])
        assert shown.headers["Content-Type"] == icon["type"]
        if icon["type"] == "image/png":
            size = struct.unpack(">II", shown.content[16:24])
            assert icon["sizes"] == f"{size[0]}x{size[1]}"


def test_a_drawn_icon_is_a_whole_png_in_the_owners_color(settings: Any) -> None:
    settings.BOTFLOW_COLOR = "#7c3aed"
    content = Client().get(links(page())["apple-touch-icon"]).content

    chunks, position = {}, 8
    while position < len(content):
        [length] = struct.unpack(">I", content[position : position + 4])
        chunk = content[position + 4 : position + 8 + length]
        check = content[position + 8 + length : position + 12 + length]
        assert struct.unpack(">I", check)[0] == zlib.crc32(chunk)
        chunks[chunk[:4]] = chunk[4:]
        position += 12 + length
    assert (chunks[b"PLTE"][:3].hex(), chunks[b"PLTE"][-3:].hex()) == ("7c3aed", "ffffff")
    assert len(zlib.decompress(chunks[b"IDAT"])) == 180 * (1 + 180 // 2)


def test_the_owners_logo_is_the_icon_of_the_installed_page(
    set_logo: Callable[[str, bytes], Path],
) -> None:
    set_logo("logo.png", png(512, 512))
    [icon] = Client().get("/manifest.webmanifest").json()["icons"]

    assert (icon["type"], icon["sizes"]) == ("image/png", "512x512")
    assert Client().get(icon["src"]).content == png(512, 512)


@pytest.mark.parametrize("address", ["/brand/icon-100.png", "/brand/icon-999999999.png"])
def test_icons_are_drawn_in_few_sizes_only(address: str) -> None:
    assert Client().get(address).status_code == 404


def test_a_form_that_is_out_of_date_says_so() -> None:
    answer = Client(enforce_csrf_checks=True).post("/login", {"username": "a", "password": "b"})

    assert answer.status_code == 403
    assert "out of date" in answer.content.decode()
