"""The script of the documents' pictures works, and each picture that it takes is there."""

from itertools import product
from pathlib import Path

from tests.gallery.scenes import SCENES
from tests.gallery.take import LOCALES, SIZES, Look, take
from tests.harness.environment import ROOT


def test_a_person_is_pictured_in_their_language(tmp_path: Path) -> None:
    take(tmp_path, ["first-screen", "versions"], [Look("zh", "dark", "-phone")])

    pictures = sorted(tmp_path.iterdir())
    assert [picture.name for picture in pictures] == [
        "chat-first-screen-zh-dark-phone.webp",
        "chat-versions-zh-dark-phone.webp",
    ]
    assert all(picture.read_bytes()[8:12] == b"WEBP" for picture in pictures)


def test_every_state_is_pictured_in_both_languages_and_themes_and_sizes() -> None:
    looks = [Look(*one) for one in product(LOCALES, ("light", "dark"), SIZES)]
    names = {f"chat-{scene}-{look.account}.webp" for scene, look in product(SCENES, looks)}

    there = {path.name for path in (ROOT / "docs/screenshots").glob("chat-*.webp")}

    assert there == names
