"""The lines for models in the documents can be copied: they are read, sound, and alike."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from botflow_site.env import Environment
from conversations.agents.openai_compatible.configuration import configuration_problems
from tests.harness.environment import ROOT

NAMES = ("OPENAI_BASE_URL", "OPENAI_API_KEY", "BOTFLOW_MODEL")
DOCUMENTS = ["README.md", "docs/agents.md", "docs/agents.zh.md", "examples/README.md"]


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Begin with none of the settings, and leave none: `.env` is read into the environment."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith(("OPENAI_", "BOTFLOW_M", "BOTFLOW_S"))]:
        del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)


def rows() -> dict[str, str]:
    """Return the example models of the table by address."""
    text = (ROOT / "docs/agents.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| [^|]+ \| `(https?://[^`]+)` \| (?:`([^`]+)`)?", text, re.MULTILINE)
    return dict(found)


def blocks() -> list[str]:
    """Return the lines for `.env` of every document, block by block."""
    found = []
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        for block in re.findall(r"(?:^    [A-Z_]+=.*\n)+", text, re.MULTILINE):
            if "OPENAI_BASE_URL" in block:
                found.append(re.sub("^    ", "", block, flags=re.MULTILINE))
    return found


def test_there_are_rows_and_lines_to_look_at() -> None:
    assert len(rows()) == 9
    assert len(blocks()) >= 9


@pytest.mark.parametrize("address", rows())
def test_an_address_of_the_table_passes_the_check(address: str, settings: Any) -> None:
    settings.OPENAI_BASE_URL = address
    settings.BOTFLOW_MODEL = rows()[address] or "m"

    assert configuration_problems() == []


@pytest.mark.parametrize("block", blocks())
def test_lines_for_a_model_can_be_copied(block: str, tmp_path: Path, settings: Any) -> None:
    (tmp_path / ".env").write_text(block.replace("…", "0123"), encoding="utf-8")
    env = Environment(tmp_path / ".env")

    for name in NAMES:
        setattr(settings, name, env.text(name))

    assert configuration_problems() == []
    assert rows()[settings.OPENAI_BASE_URL] == settings.BOTFLOW_MODEL


@pytest.mark.parametrize("number", [0, 1])
def test_options_and_prompts_can_be_copied(number: int, tmp_path: Path) -> None:
    text = (ROOT / "docs/agents.zh.md").read_text(encoding="utf-8")
    line = re.findall(r"`(BOTFLOW_MODEL_OPTIONS=.*?)`", text)[number]
    [prompt] = re.findall(r"^    (BOTFLOW_SYSTEM_PROMPT=.*)$", text, re.MULTILINE)
    (tmp_path / ".env").write_text(f"{line}\n{prompt}\n", encoding="utf-8")

    env = Environment(tmp_path / ".env")

    assert env.json_object("BOTFLOW_MODEL_OPTIONS")
    assert env.text("BOTFLOW_SYSTEM_PROMPT") == prompt.partition("=")[2]
