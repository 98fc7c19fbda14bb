"""System checks find settings that cannot work together, each under an id that stays."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import checks
from pytest_django.fixtures import Settings as SettingsWrapper

from botflow_site import checks as site_checks
from conversations.agents import get_agent
from tests.harness.environment import ROOT
from tests.harness.polling import free_port
from tests.site.start_process import environment


def use(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", f"django.db.backends.{engine}")


def ids(check: Any) -> list[str | None]:
    return [problem.id for problem in check(None)]


def test_the_default_settings_have_no_problem() -> None:
    assert [p for p in checks.run_checks() if (p.id or "").startswith("botflow.")] == []


def test_an_agent_that_cannot_be_imported_is_E001(settings: SettingsWrapper) -> None:  # noqa: N802
    settings.BOTFLOW_AGENT = "no_such_module.reply"

    assert ids(site_checks.check_agent) == ["botflow.E001"]


def test_an_agent_whose_module_raises_is_E001_with_the_reason(  # noqa: N802
    settings: SettingsWrapper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_agent.py").write_text("raise RuntimeError('no key in the drawer')\n")
    monkeypatch.syspath_prepend(tmp_path)
    settings.BOTFLOW_AGENT = "broken_agent.reply"

    [problem] = site_checks.check_agent(None)

    assert problem.id == "botflow.E001"
    assert "no key in the drawer" in problem.msg


@pytest.mark.parametrize("name", ["BOTFLOW_AGENT", "BOTFLOW_SUMMARIZER"])
def test_openai_compatible_without_a_model_is_E007_once(  # noqa: N802
    settings: SettingsWrapper, name: str
) -> None:
    setattr(settings, name, "openai_compatible")
    settings.BOTFLOW_MODEL = ""

    assert ids(site_checks.check_model) == ["botflow.E007"]
    assert ids(site_checks.check_agent) == []


def test_an_address_and_a_key_that_are_none_are_E007_unused_too(  # noqa: N802
    settings: SettingsWrapper,
) -> None:
    settings.BOTFLOW_AGENT = "echo"
    settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = "api.openai.com", "two words"

    problems = site_checks.check_model(None)

    assert [problem.id for problem in problems] == ["botflow.E007"] * 2
    assert "two words" not in str(problems)


@pytest.mark.parametrize("path", ["no_such_module.sum_up", "pathlib.Path", "json.dumps"])
def test_a_summarizer_that_is_none_is_E008(settings: SettingsWrapper, path: str) -> None:  # noqa: N802
    settings.BOTFLOW_SUMMARIZER = path

    assert ids(site_checks.check_summarizer) == ["botflow.E008"]


def test_a_summarizer_whose_module_raises_is_E008(  # noqa: N802
    settings: SettingsWrapper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_summarizer.py").write_text("raise RuntimeError('no paper')\n")
    monkeypatch.syspath_prepend(tmp_path)
    settings.BOTFLOW_SUMMARIZER = "broken_summarizer.sum_up"

    [problem] = site_checks.check_summarizer(None)

    assert problem.id == "botflow.E008"
    assert "no paper" in problem.msg


@pytest.mark.parametrize("path", ["no_such_tool", "no_such_module.tool", "sys.path_hooks_none"])
def test_a_tool_that_is_none_is_E009(settings: SettingsWrapper, path: str) -> None:  # noqa: N802
    settings.BOTFLOW_TOOLS = [path]

    assert ids(site_checks.check_tools) == ["botflow.E009"]


def test_a_tool_whose_module_raises_is_E009(  # noqa: N802
    settings: SettingsWrapper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_tools.py").write_text("raise RuntimeError('no hammer')\n")
    monkeypatch.syspath_prepend(tmp_path)
    settings.BOTFLOW_TOOLS = ["broken_tools.nail"]

    [problem] = site_checks.check_tools(None)

    assert problem.id == "botflow.E009"
    assert "no hammer" in problem.msg


def test_a_package_that_tools_need_and_that_is_missing_is_E009(  # noqa: N802
    settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BOTFLOW_TOOLS = ["time"]
    monkeypatch.setitem(sys.modules, "conversations.tools.loading", None)

    assert ids(site_checks.check_tools) == ["botflow.E009"]


def test_the_checks_of_an_unused_model_import_nothing_for_it(tmp_path: Path) -> None:
    code = (
        "import django, sys; django.setup(); from django.core import checks; checks.run_checks();"
        "print([name for name in ('aiohttp', 'pydantic') if name in sys.modules])"
    )
    env = environment(
        BOTFLOW_DATA_DIR=str(tmp_path),
        DJANGO_SETTINGS_MODULE="botflow_site.settings",
        OPENAI_BASE_URL="https://api.example.org/v1",
        OPENAI_API_KEY="sk-example",
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)

    assert done.stdout.strip() == "[]", done.stderr


def test_a_channel_that_is_none_is_E002(settings: SettingsWrapper) -> None:  # noqa: N802
    settings.BOTFLOW_CHANNELS = {"pager": "pathlib.Path"}

    assert ids(site_checks.check_channels) == ["botflow.E002"]


def test_an_address_to_listen_on_that_is_none_is_E003(settings: SettingsWrapper) -> None:  # noqa: N802
    settings.BOTFLOW_HOST = "http://localhost"

    assert ids(site_checks.check_hosts) == ["botflow.E003"]


def test_an_old_sqlite_is_E004_where_it_is_used(  # noqa: N802
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 34, 1))

    use(monkeypatch, "sqlite3")
    assert ids(site_checks.check_sqlite) == ["botflow.E004"]
    use(monkeypatch, "postgresql")
    assert ids(site_checks.check_sqlite) == []


def test_a_redis_address_that_cannot_be_read_is_E005_and_is_not_shown(  # noqa: N802
    settings: SettingsWrapper,
) -> None:
    settings.REDIS_URL = "redis://:hidden-word@localhost:port"

    [problem] = site_checks.check_redis_url(None)

    assert problem.id == "botflow.E005"
    assert "hidden-word" not in str(problem)


@pytest.mark.parametrize("host", ["chat.example.org", ".example.org", "*", "[::1]", "127.0.0.1"])
def test_a_name_that_requests_can_have_is_an_allowed_host(
    settings: SettingsWrapper, host: str
) -> None:
    settings.ALLOWED_HOSTS = [host]

    assert ids(site_checks.check_hosts) == []


def test_a_host_that_no_request_can_have_is_E006(settings: SettingsWrapper) -> None:  # noqa: N802
    settings.ALLOWED_HOSTS = ["localhost", "localhost:8000"]

    assert ids(site_checks.check_hosts) == ["botflow.E006"]


def test_a_long_lease_is_W001(settings: SettingsWrapper) -> None:  # noqa: N802
    settings.BOTFLOW_LEASE = 30
    assert ids(site_checks.check_lease) == []

    settings.BOTFLOW_LEASE = 31
    assert ids(site_checks.check_lease) == ["botflow.W001"]


def test_postgresql_without_a_common_secret_key_is_W002(  # noqa: N802
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(monkeypatch, "postgresql")

    monkeypatch.delenv("SECRET_KEY", raising=False)
    assert ids(site_checks.check_secret_key) == ["botflow.W002"]
    monkeypatch.setenv("SECRET_KEY", "k" * 60)
    assert ids(site_checks.check_secret_key) == []


def test_postgresql_without_redis_is_I001(  # noqa: N802
    settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, "postgresql")

    settings.REDIS_URL = ""
    assert ids(site_checks.check_machines) == ["botflow.I001"]
    settings.REDIS_URL = "redis://localhost"
    assert ids(site_checks.check_machines) == []


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "daphne", "-p", "{port}", "botflow_site.asgi:application"],
        ["manage.py", "qcluster"],
        ["manage.py", "start"],
    ],
    ids=["daphne", "qcluster", "start"],
)
def test_an_error_keeps_every_process_from_starting(tmp_path: Path, command: list[str]) -> None:
    port = str(free_port())
    env = environment(
        BOTFLOW_DATA_DIR=str(tmp_path), BOTFLOW_AGENT="no_such_agent", BOTFLOW_PORT=port
    )
    arguments = [part.format(port=port) for part in command]

    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
    )

    assert done.returncode != 0
    assert "botflow.E001" in done.stderr


@pytest.fixture(autouse=True)
def forget_agents() -> None:
    get_agent.cache_clear()
