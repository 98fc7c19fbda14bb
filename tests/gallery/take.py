"""Takes the pictures: `python -m tests.gallery.take [FOLDER] [--only SCENE …]`.

A whole site, one person for each language, light and dark, desktop and phone; each picture is
FOLDER/chat-<scene>-<language>-<theme>[-phone].webp.
"""

from __future__ import annotations

import argparse
import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.gallery.scenes import SCENES, SHOP_ORIGIN, WORDS, Stage
from tests.gallery.seeding import PASSWORD, SEED
from tests.harness.environment import ROOT
from tests.harness.site import Site

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
FLAGS += ["--force-color-profile=srgb", "--font-render-hinting=none"]
# The other site of the bubble is made up: to Chromium it is not on this machine.
FLAGS += ["--disable-features=LocalNetworkAccessChecks"]
SIZES = {"": (1280, 800), "-phone": (390, 844)}
LOCALES = {"en": "en-GB", "zh": "zh-CN"}
QUALITY = 82


@dataclass(frozen=True)
class Look:
    """How a picture is taken; each has a person of its own, whose conversations it shows."""

    language: str
    theme: str
    size: str

    @property
    def account(self) -> str:
        return f"{self.language}-{self.theme}{self.size}"


@contextmanager
def pictured_site(looks: list[Look]) -> Iterator[Site]:
    settings = {"TIME_ZONE": "UTC", "BOTFLOW_EMBED_ORIGINS": SHOP_ORIGIN}
    with Site(agent="tests.gallery.agent.reply", **settings) as site:
        site.start_web()
        site.start_cluster()
        site.wait_ready()
        site.run(SEED, *(look.account for look in looks))
        yield site


@contextmanager
def visitor(browser: Browser, look: Look) -> Iterator[BrowserContext]:
    """Open a browser as the pictures want it."""
    width, height = SIZES[look.size]
    context = browser.new_context(
        locale=LOCALES[look.language],
        timezone_id="UTC",
        color_scheme="dark" if look.theme == "dark" else "light",
        viewport={"width": width, "height": height},
        has_touch=bool(look.size),
        is_mobile=bool(look.size),
        device_scale_factor=2 if look.size else 1,
        reduced_motion="reduce",
    )
    context.set_default_timeout(20_000)
    yield context
    context.close()


def sign_in(page: Page, site: Site, look: Look) -> None:
    page.goto(f"{site.url}/login?next=/")
    page.locator("input[name=username]").fill(look.account)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")
    page.locator("#draft").wait_for()


def save(page: Page, path: Path) -> None:
    """Write what the page shows as WebP, which only Chromium's own protocol offers."""
    page.wait_for_timeout(350)  # what is said for a moment, and fonts, are there
    session = page.context.new_cdp_session(page)
    options = {"format": "webp", "quality": QUALITY}
    path.write_bytes(base64.b64decode(session.send("Page.captureScreenshot", options)["data"]))


def take(folder: Path, scenes: list[str], looks: list[Look]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with pictured_site(looks) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for look in looks:
            with visitor(browser, look) as context:
                page = context.new_page()
                sign_in(page, site, look)
                for scene in scenes:
                    show(page, site, look, scene)
                    save(page, folder / f"chat-{scene}-{look.account}.webp")
        browser.close()


def show(page: Page, site: Site, look: Look, scene: str) -> None:
    """Bring the page into a state, from the beginning."""
    page.context.set_offline(False)
    page.goto(site.url)
    page.locator("#connection[data-state=open]").wait_for()
    SCENES[scene](Stage(page, WORDS[look.language], bool(look.size)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", default=ROOT / "docs/screenshots", type=Path)
    parser.add_argument("--only", nargs="*", choices=SCENES, default=list(SCENES))
    parser.add_argument("--languages", nargs="*", choices=LOCALES, default=list(LOCALES))
    parser.add_argument("--themes", nargs="*", default=["light", "dark"])
    wanted = parser.parse_args()
    looks = [Look(*one) for one in product(wanted.languages, wanted.themes, SIZES)]
    take(wanted.folder, wanted.only, looks)


if __name__ == "__main__":
    main()
