"""System checks of the settings as a whole: each has a stable id and says what to do."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import redis
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import SystemCheckError
from django.utils.module_loading import import_string

from botflow_site.branding import read_logo
from conversations.agents import get_agent
from conversations.agents.openai_compatible.configuration import configuration_problems
from conversations.channels import get_channel
from conversations.summarizing import get_summarizer

LONGEST_USUAL_LEASE = 30
LARGEST_USUAL_LOGO = 204_800
#: The agent and summarizer that ask a model themselves.
MODEL = "openai_compatible"


@checks.register
def check_agent(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    if settings.BOTFLOW_AGENT == MODEL and configuration_problems():
        return []  # `check_model` says what is wrong.
    hint = "Name `echo`, or the dotted path of a function, an object or a class."
    return _wrong_with("BOTFLOW_AGENT", get_agent, hint=hint, code="botflow.E001")


@checks.register
def check_model(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse an address or a key that no model's server can have, and a model without a name."""
    is_asked = MODEL in (settings.BOTFLOW_AGENT, settings.BOTFLOW_SUMMARIZER)
    return [
        checks.Error(problem, hint=hint, id="botflow.E007")
        for setting, problem, hint in configuration_problems()
        if is_asked or setting != "BOTFLOW_MODEL"
    ]


@checks.register
def check_summarizer(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    if not settings.BOTFLOW_SUMMARIZER:
        return []
    hint = f"Name `{MODEL}`, or the dotted path of an async function; empty for none."
    return _wrong_with("BOTFLOW_SUMMARIZER", get_summarizer, hint=hint, code="botflow.E008")


@checks.register
def check_tools(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    if not settings.BOTFLOW_TOOLS:
        return []
    hint = "Name `reminders`, `time`, `all`, or dotted paths of functions."
    # Not imported above: sites without tools have no need of pydantic.
    return _wrong_with(
        "BOTFLOW_TOOLS",
        lambda: import_string("conversations.tools.loading.get_tools")(),
        hint=hint,
        code="botflow.E009",
    )


def _wrong_with(
    setting: str, find: Callable[[], Any], *, hint: str, code: str
) -> list[checks.CheckMessage]:
    """Return what is wrong with what a setting names, which may be of the site's own."""
    try:
        find()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), hint=hint, id=code)]
    except Exception as error:  # noqa: BLE001  Boundary: a module of the site's own may raise anything.
        problem = f"{setting}: importing it raised {type(error).__name__}: {error}"
        return [checks.Error(problem, hint="Import it in a Python shell.", id=code)]
    return []


@checks.register
def check_logo(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse a file that is no image of the kind its name says; mention one that loads slowly."""
    logo = read_logo()
    if logo is None:
        return []
    if not logo.is_image:
        problem = f"BOTFLOW_LOGO: {settings.BOTFLOW_LOGO} is no {logo.content_type} file."
        hint = "Save the picture as svg, png, webp or jpg, and name the file accordingly."
        return [checks.Error(problem, hint=hint, id="botflow.E010")]
    if len(logo.content) > LARGEST_USUAL_LOGO:
        problem = f"BOTFLOW_LOGO has {len(logo.content) // 1024} KB."
        hint = "Every new visitor waits for it: 512 pixels square are enough, or an svg."
        return [checks.Warning(problem, hint=hint, id="botflow.W003")]
    return []


@checks.register
def check_channels(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    problems: list[checks.CheckMessage] = []
    for name in settings.BOTFLOW_CHANNELS:
        try:
            get_channel(name)
        except ImproperlyConfigured as error:
            hint = "Write BOTFLOW_CHANNELS as name=path,name=path with paths of Channel subclasses."
            problems.append(checks.Error(str(error), hint=hint, id="botflow.E002"))
    return problems


@checks.register
def check_hosts(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse hosts that no request can match, or that cannot be listened on."""
    problems: list[checks.CheckMessage] = []
    if not re.fullmatch(r"[\w.:%-]+", settings.BOTFLOW_HOST):
        problem = f"BOTFLOW_HOST is no address: {settings.BOTFLOW_HOST!r}."
        hint = "For example 127.0.0.1, or 0.0.0.0 for every network of this machine."
        problems.append(checks.Error(problem, hint=hint, id="botflow.E003"))
    for host in settings.ALLOWED_HOSTS:
        if not re.fullmatch(r"\*|\.?[\w.-]+|\[[0-9A-Fa-f:.]+\]", host):
            problem = f"ALLOWED_HOSTS: {host!r} is no host name."
            hint = "Write names without scheme, port and path, for example chat.example.org."
            problems.append(checks.Error(problem, hint=hint, id="botflow.E006"))
    return problems


@checks.register
def check_sqlite(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    is_sqlite = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    if not is_sqlite or sqlite3.sqlite_version_info >= (3, 35):
        return []
    problem = f"SQLite {sqlite3.sqlite_version} is too old: claims need UPDATE … RETURNING."
    return [checks.Error(problem, hint="Use SQLite 3.35 or newer.", id="botflow.E004")]


@checks.register
def check_redis_url(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    if not settings.REDIS_URL:
        return []
    try:
        redis.connection.parse_url(settings.REDIS_URL)
    except ValueError:  # its text may hold a password
        problem = (
            "REDIS_URL must begin with redis://, rediss:// or unix://, and name host and port."
        )
        hint = "For example redis://localhost:6379/0."
        return [checks.Error(problem, hint=hint, id="botflow.E005")]
    return []


@checks.register
def check_lease(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    if settings.BOTFLOW_LEASE <= LONGEST_USUAL_LEASE:
        return []
    problem = f"BOTFLOW_LEASE is {settings.BOTFLOW_LEASE:g} seconds."
    hint = (
        f"Replies of a machine that is lost wait that long; {LONGEST_USUAL_LEASE} or less is usual."
    )
    return [checks.Warning(problem, hint=hint, id="botflow.W001")]


@checks.register
def check_secret_key(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    is_shared = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    if not is_shared or os.environ.get("SECRET_KEY"):
        return []
    problem = "SECRET_KEY is not set, and PostgreSQL may be shared with other machines."
    hint = "Each machine makes a key of its own; sessions and tokens hold only where all have one."
    return [checks.Warning(problem, hint=hint, id="botflow.W002")]


@checks.register(checks.Tags.security, deploy=True)
def check_machines(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Mention what several machines that share PostgreSQL would miss without Redis."""
    is_postgres = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    if not is_postgres or settings.REDIS_URL:
        return []
    problem = "PostgreSQL is used without REDIS_URL."
    hint = "On one machine this is fine; web processes of other machines would show no live text."
    return [checks.Info(problem, hint=hint, id="botflow.I001")]


def refuse_to_start_with_errors() -> None:
    """Run all checks; raise SystemCheckError with every error. For servers that run none."""
    errors = [problem for problem in checks.run_checks() if problem.is_serious()]
    if errors:
        raise SystemCheckError("\n".join(str(error) for error in errors))
