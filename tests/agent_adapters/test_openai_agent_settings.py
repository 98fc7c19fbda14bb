"""Settings that name no model which could be asked: found before the first message."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from conversations.agents import get_agent
from conversations.agents.openai_compatible import OpenAICompatible
from conversations.agents.openai_compatible.configuration import configuration_problems


@pytest.fixture(autouse=True)
def sound(settings):
    settings.BOTFLOW_MODEL = "some-model"
    settings.OPENAI_BASE_URL = "https://api.example.com/v1"
    settings.OPENAI_API_KEY = "sk-1"
    get_agent.cache_clear()
    yield
    get_agent.cache_clear()


def problem_of(name: str) -> str:
    [(setting, problem, hint)] = configuration_problems()
    assert setting == name
    assert hint.endswith(".")
    return problem


def test_sound_settings_have_no_problem():
    assert configuration_problems() == []


def test_a_server_of_ones_own_needs_no_key(settings):
    settings.OPENAI_API_KEY = ""
    settings.OPENAI_BASE_URL = "http://localhost:11434/v1"

    assert configuration_problems() == []


def test_an_address_may_have_a_query(settings):
    """Azure names the version of the API there."""
    settings.OPENAI_BASE_URL = "https://a.example.com/openai/deployments/b?api-version=2024-10-21"

    assert configuration_problems() == []


@pytest.mark.parametrize("model", ["", "  "])
def test_a_model_must_be_named(settings, model):
    settings.BOTFLOW_MODEL = model

    assert problem_of("BOTFLOW_MODEL") == "BOTFLOW_MODEL is empty."
    with pytest.raises(ImproperlyConfigured, match="for example"):
        get_agent("openai_compatible")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "api.example.com/v1",
        "ftp://api.example.com",
        "https://",
        "https:///v1",
        "http://[::1/v1",
        "https://api.example.com:port/v1",
        "https://api.example.com/v1 ",
        "https://api.exa\nmple.com/v1",
    ],
)
def test_the_address_must_be_one(settings, address):
    settings.OPENAI_BASE_URL = address

    assert problem_of("OPENAI_BASE_URL").endswith("is no http:// or https:// address.")


@pytest.mark.parametrize(
    "address",
    [
        "https://sk-1@api.example.com/v1",
        "https://api.example.com/v1/chat/completions",
        "https://api.example.com/v1#top",
    ],
)
def test_the_address_is_where_the_api_begins_and_holds_no_secret(settings, address):
    settings.OPENAI_BASE_URL = address

    assert "sk-1" not in problem_of("OPENAI_BASE_URL")


@pytest.mark.parametrize("key", ["sk-1\n", "sk 1", "“sk-1”", "sk-1\t", "密钥", "sk-1\x7f"])
def test_a_key_must_be_one(settings, key):
    settings.OPENAI_API_KEY = key

    assert problem_of("OPENAI_API_KEY") == "OPENAI_API_KEY has characters that no key has."
    with pytest.raises(ImproperlyConfigured) as refused:
        OpenAICompatible()
    assert key not in str(refused.value)


def test_tools_must_exist(settings):
    settings.BOTFLOW_TOOLS = ["nowhere"]

    with pytest.raises(ImproperlyConfigured, match="nowhere"):
        OpenAICompatible()


def test_checking_the_settings_imports_no_client():
    """The web server checks them, too, and never asks a model."""
    program = (
        "import django; django.setup(); import sys;"
        "from conversations.agents.openai_compatible import configuration, request;"
        "configuration.configuration_problems();"
        "print({'aiohttp', 'openai', 'pydantic'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
    )
    assert (done.stdout, done.stderr) == ("set()\n", "")
