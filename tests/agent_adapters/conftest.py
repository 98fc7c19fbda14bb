"""A model server on loopback that the settings point to."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.model import ModelServer


@pytest.fixture
def model(settings: Any) -> Iterator[ModelServer]:
    """The server that `openai_compatible` talks to; `model.script(...)` says what it answers."""
    with ModelServer() as server:
        settings.OPENAI_BASE_URL = server.base_url
        settings.OPENAI_API_KEY = "sk-loopback"
        settings.BOTFLOW_MODEL = "loopback"
        yield server
