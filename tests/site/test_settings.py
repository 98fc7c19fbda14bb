"""Settings come from the environment, `.env` and secret files; a wrong one stops the start."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from botflow_site.env import Environment
from tests.harness.environment import ROOT
from tests.site.checking import Forks
from tests.site.start_process import environment

MISSING = "/no/such/file"


def manage(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` with nothing in the environment but the given settings."""
    env = environment(**({"BOTFLOW_DATA_DIR": str(folder)} | settings))
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    made = Forks()
    yield made
    made.close()


# (setting, a wrong value, part of the hint)
WRONG = [
    ("DEBUG", "maybe", "true or false"),
    ("ALLOWED_HOSTS", "https://chat.example.org", "without scheme"),
    ("ALLOWED_HOSTS", "localhost:8000", "without scheme, port"),
    ("CSRF_TRUSTED_ORIGINS", "chat.example.org", "scheme"),
    ("DATABASE_URL", "mysql://localhost/chat", "sqlite:// or postgres://"),
    ("DATABASE_URL", "chat.sqlite3", "sqlite:// or postgres://"),
    ("DATABASE_URL", "postgres://u:p@localhost:port/chat", "postgres://user:password@host"),
    ("DATABASE_URL", "postgres://u:p@localhost", "must end with /name"),
    ("DATABASE_URL", "sqlite://", "must name a file"),
    ("DATABASE_URL", "sqlite://:memory:", "must name a file"),
    ("REDIS_URL", "localhost:6379", "redis://localhost"),
    ("REDIS_URL", "redis://localhost:port", "redis://localhost"),
    ("BOTFLOW_DATA_DIR", "/dev/null/data", "Not a directory"),
    ("BOTFLOW_HOST", "http://localhost", "127.0.0.1"),
    ("BOTFLOW_PORT", "0", "from 1 to 65535"),
    ("BOTFLOW_PORT", "65536", "from 1 to 65535"),
    ("BOTFLOW_PORT", "http", "from 1 to 65535"),
    ("BOTFLOW_WORKERS", "0", "from 1 to 64"),
    ("BOTFLOW_WORKERS", "1.5", "from 1 to 64"),
    ("BOTFLOW_CONCURRENCY", "5001", "from 1 to 5000"),
    ("BOTFLOW_THREADS", "0", "from 1 to 200"),
    ("BOTFLOW_STOP_GRACE", "-1", "from 0 to 3600"),
    ("BOTFLOW_LEASE", "nan", "from 2 to 600"),
    ("BOTFLOW_LEASE", "inf", "from 2 to 600"),
    ("BOTFLOW_RUN_TIMEOUT", "0", "from 0.1 to 86400"),
    ("BOTFLOW_RETENTION_DAYS", "-1", "from 0 to 36500"),
    ("BOTFLOW_SCHEDULE_HISTORY", "-1", "from 0 to 1000000"),
    ("BOTFLOW_MISSED_ROWS", "0", "from 1 to 100000"),
    ("BOTFLOW_MAX_WAITING_OCCURRENCES", "0", "from 1 to 100000"),
    ("BOTFLOW_AGENT", "no_such_agent", "`echo`"),
    ("BOTFLOW_AGENT", "no_such_module.reply", "`echo`"),
    ("BOTFLOW_AGENT", "django.conf.settings", "`echo`"),
    ("BOTFLOW_CHANNELS", "pager", "name=path"),
    ("BOTFLOW_CHANNELS", "pager=no_such_module.Pager", "name=path"),
    ("BOTFLOW_CHAT_ACCESS", "everybody", "anonymous, login"),
    ("BOTFLOW_HISTORY_MESSAGES", "all", "from 0 to 1000"),
    ("BOTFLOW_HISTORY_TOKENS", "-1", "from 0 to 10000000"),
    ("BOTFLOW_SUMMARIZER", "no_such_module.sum_up", "`openai_compatible`"),
    ("BOTFLOW_MERGE_PAUSE", "31", "from 0 to 30"),
    ("BOTFLOW_TOOLS", "no_such_tool", "`reminders`"),
    ("BOTFLOW_TOOL_ROUNDS", "0", "from 1 to 100"),
    ("BOTFLOW_TOOL_TIMEOUT", "0", "from 0.1 to 3600"),
    ("BOTFLOW_MAX_CONVERSATIONS", "0", "from 1 to 1000000"),
    ("BOTFLOW_LOGO", MISSING, "image file"),
    ("BOTFLOW_LOGO", "README.md", "image file"),
    ("BOTFLOW_COLOR", "green", "#0c7565"),
    ("BOTFLOW_EMBED_ORIGINS", "www.example.org", "https://www.example.org"),
    ("BOTFLOW_EMBED_ORIGINS", "https://www.example.org/chat", "https://www.example.org"),
    ("BOTFLOW_UPLOADS", "some", "true or false"),
    ("BOTFLOW_UPLOAD_TYPES", "pictures", "image/*"),
    ("BOTFLOW_MAX_UPLOAD_BYTES", "1", "from 1024 to 104857600"),
    ("BOTFLOW_MAX_FILES", "0", "from 1 to 50"),
    ("BOTFLOW_UPLOAD_BYTES_PER_DAY", "1", "from 1024 to"),
    ("BOTFLOW_SITE_UPLOAD_BYTES_PER_DAY", "1", "from 1024 to"),
    ("BOTFLOW_SHARING", "some", "true or false"),
    ("BOTFLOW_VOICE", "loud", "true or false"),
    ("OPENAI_BASE_URL", "api.openai.com", "https://api.openai.com/v1"),
    ("OPENAI_API_KEY", "two words", "without spaces"),
    ("BOTFLOW_MODEL_OPTIONS", "[]", "JSON object"),
    ("BOTFLOW_TEMPERATURE", "hot", "from 0 to 2"),
    ("BOTFLOW_MODEL_CONNECT_TIMEOUT", "0", "from 0.1 to 3600"),
    ("BOTFLOW_MODEL_FIRST_TIMEOUT", "0", "from 0.1 to 3600"),
    ("BOTFLOW_MODEL_STALL_TIMEOUT", "0", "from 0.1 to 3600"),
    ("BOTFLOW_CONVERSATION_TOKENS_PER_DAY", "-1", "from 0 to"),
    ("BOTFLOW_SITE_TOKENS_PER_DAY", "-1", "from 0 to"),
    ("BOTFLOW_CONVERSATION_TURNS_PER_MINUTE", "-1", "from 0 to"),
    ("BOTFLOW_SITE_TURNS_PER_MINUTE", "-1", "from 0 to"),
    ("BOTFLOW_MAX_MESSAGE_LENGTH", "0", "from 1 to 1000000"),
    ("BOTFLOW_MAX_REPLY_LENGTH", "0", "from 1 to 10000000"),
    ("BOTFLOW_MAX_FRAME_BYTES", "1", "from 1024 to"),
    ("BOTFLOW_FRAME_RATE", "0", "from 1 to"),
    ("BOTFLOW_FRAME_BURST", "0", "from 1 to"),
    ("BOTFLOW_MAX_WAITING", "0", "from 1 to"),
    ("BOTFLOW_MAX_TASKS", "-1", "from 0 to 10000"),
    ("BOTFLOW_MIN_TASK_INTERVAL", "0", "from 1 to 86400"),
    ("BOTFLOW_MAX_UNSENT_BYTES", "1", "from 65536 to"),
    ("WECHAT_TOKEN", "two words", "3 to 32 letters and digits"),
    ("WECHAT_APP_ID", "gh_0123456789ab", "begins with wx"),
    ("WECHAT_APP_SECRET", "0123456789abcdef", "Token of the server configuration"),
    ("WECHAT_AES_KEY", "tooshort", "43 characters"),
    ("WECHAT_AES_KEY_PREVIOUS", "tooshort", "43 characters"),
    ("WECHAT_MODE", "encrypted", "plain, compatible, secure"),
    ("WECHAT_MODE", "secure", "EncodingAESKey"),
    ("WECHAT_REPLY", "active", "passive, customer_service, auto"),
    ("WECHAT_REPLY", "customer_service", "AppSecret"),
    ("WECHAT_PATH", "wechat", "Begin with /"),
    ("WECHAT_PATH", "/admin/wechat", "another one"),
    ("WECHAT_API_BASE_URL", "api.weixin.qq.com", "https://api.weixin.qq.com"),
    ("WECHAT_ORIGINAL_ID", "wx2c2769f8efd9abc2", "begins with gh_"),
    ("WECHAT_FRESHNESS", "-1", "from 0 to 86400"),
    ("WECHAT_REPLY_DEADLINE", "5", "from 0.1 to 4.8"),
    ("WECHAT_MAX_TEXT_BYTES", "2048", "from 200 to 2047"),
    ("WECHAT_MAX_PARTS", "0", "from 1 to 5"),
    ("WECHAT_RATE", "0", "from 1 to 10000"),
    ("WECHAT_MAX_HELD", "0", "from 1 to 1000"),
    ("WECHAT_HELD_DAYS", "0", "from 1 to 365"),
    ("WECHAT_LOCALE", "zh", "zh-hans, en"),
    ("WECHAT_TIME_ZONE", "Shanghai", "Asia/Shanghai"),
    ("WECHAT_TYPING", "often", "true or false"),
    ("WECHAT_TEMPLATE_ID", "two words", "list of your templates"),
    ("WECHAT_TEMPLATE_FIELDS", "thing1", "name=path"),
    ("WECHAT_TEMPLATE_FIELDS", "thing1=text", "Name the template"),
    ("WECHAT_MAX_IMAGE_BYTES", "1023", "from 1024 to 10485760"),
    ("BOTFLOW_APPS", "no_such_app", "PYTHONPATH"),
    ("BOTFLOW_APPS", "botflow_site.no_such_app", "PYTHONPATH"),
    ("BOTFLOW_HTTPS", "https", "true or false"),
    ("TIME_ZONE", "Mars/Phobos", "Asia/Shanghai"),
    ("TIME_ZONE", "../UTC", "Asia/Shanghai"),
    ("LOG_FORMAT", "xml", "console, json"),
    ("LOG_LEVEL", "LOUD", "DEBUG, INFO"),
    ("SECRET_KEY_FILE", MISSING, "No such file"),
    ("DATABASE_URL_FILE", "/dev/null", "is empty"),
    ("BOTFLOW_AGENT_FILE", sys.executable, "is not a text file"),
]


@pytest.mark.parametrize(("name", "value", "hint"), WRONG)
def test_a_wrong_value_stops_with_its_name_and_a_hint(
    forks: Forks, tmp_path: Path, name: str, value: str, hint: str
) -> None:
    done = forks.manage(environment(BOTFLOW_DATA_DIR=str(tmp_path)) | {name: value}, "check")

    assert done.returncode == 1
    assert name in done.stderr
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_every_setting_that_can_be_wrong_has_a_wrong_value_here() -> None:
    source = (ROOT / "botflow_site" / "settings.py").read_text(encoding="utf-8")
    any_text = {"SECRET_KEY", "BOTFLOW_MODEL", "BOTFLOW_SYSTEM_PROMPT", "WECHAT_WELCOME"}
    any_text |= {"BOTFLOW_NAME", "BOTFLOW_WELCOME", "BOTFLOW_SUGGESTIONS"}

    assert names_read(source) - any_text - {name for name, _, _ in WRONG} == set()


def test_no_setting_at_all_is_a_working_site(tmp_path: Path) -> None:
    done = manage(tmp_path, "check")

    assert done.returncode == 0, done.stderr


def test_an_empty_value_counts_as_unset(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", BOTFLOW_PORT="", DEBUG="", DATABASE_URL="", BOTFLOW_AGENT=" ")

    assert done.returncode == 0, done.stderr


def test_a_wrong_database_address_does_not_show_its_password(tmp_path: Path) -> None:
    for url in ("postgres://u:hidden-word@h:port/x", "mysql://u:hidden-word@h/x"):
        assert "hidden-word" not in manage(tmp_path, "check", DATABASE_URL=url).stderr


def test_production_settings_satisfy_djangos_deployment_checks(tmp_path: Path) -> None:
    done = manage(
        tmp_path,
        *("check", "--deploy", "--fail-level", "WARNING"),
        BOTFLOW_HTTPS="true",
        ALLOWED_HOSTS="chat.example.org",
    )

    assert done.returncode == 0, done.stderr


def test_a_relative_data_folder_and_database_are_found_from_everywhere(tmp_path: Path) -> None:
    code = (
        "from django.conf import settings as s;"
        "print(s.BOTFLOW_DATA_DIR, s.DATABASES['default']['NAME'])"
    )
    folder = os.path.relpath(tmp_path, ROOT)
    env = environment(
        BOTFLOW_DATA_DIR=folder,
        DATABASE_URL=f"sqlite:///{folder}/chat.sqlite3",
        DJANGO_SETTINGS_MODULE="botflow_site.settings",
        PYTHONPATH=str(ROOT),
    )

    printed = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=cwd, env=env, capture_output=True, text=True
        ).stdout
        for cwd in (ROOT, tmp_path)
    }

    assert len(printed) == 1
    assert [os.path.normpath(path) for path in printed.pop().split()] == [
        str(tmp_path),
        str(tmp_path / "chat.sqlite3"),
    ]


# -- the secret key --------------------------------------------------------------------------------

PRINT_KEY = "from django.conf import settings; print(settings.SECRET_KEY)"


def printed_keys(folder: Path, *, processes: int, **settings: str) -> list[str]:
    env = environment(
        BOTFLOW_DATA_DIR=str(folder), DJANGO_SETTINGS_MODULE="botflow_site.settings", **settings
    )
    command = [sys.executable, "-c", PRINT_KEY]
    running = [
        subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    return [process.communicate(timeout=60)[0].strip() for process in running]


def test_the_secret_key_is_made_once_and_kept(tmp_path: Path) -> None:
    [first] = printed_keys(tmp_path, processes=1)
    [second] = printed_keys(tmp_path, processes=1)

    assert len(first) >= 50
    assert second == first


def test_processes_that_race_for_the_first_secret_key_agree(tmp_path: Path) -> None:
    keys = printed_keys(tmp_path / "fresh", processes=6)

    assert len(set(keys)) == 1
    assert keys[0]
    assert [path.name for path in (tmp_path / "fresh").iterdir()] == ["secret_key"]


def test_a_secret_key_of_ones_own_is_used_and_none_is_kept(tmp_path: Path) -> None:
    assert printed_keys(tmp_path, processes=1, SECRET_KEY="k" * 60) == ["k" * 60]
    assert not (tmp_path / "secret_key").exists()


def test_a_secret_key_in_a_file_is_read_without_its_line_end(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s" * 60 + "\n")

    assert printed_keys(tmp_path, processes=1, SECRET_KEY_FILE=str(secret)) == ["s" * 60]


# -- .env and NAME_FILE ----------------------------------------------------------------------------


@pytest.fixture
def restored_environment() -> Iterator[None]:
    """Reading settings fills os.environ, which must not reach other tests."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.usefixtures("restored_environment")
class TestSources:
    def test_a_line_of_the_env_file_is_a_setting(self, tmp_path: Path) -> None:
        file = tmp_path / ".env"
        file.write_text('# a comment\nBOTFLOW_TRY_A=plain\nexport BOTFLOW_TRY_B="quoted # text"\n')

        env = Environment(file)

        assert env.text("BOTFLOW_TRY_A") == "plain"
        assert env.text("BOTFLOW_TRY_B") == "quoted # text"

    def test_the_process_environment_wins_over_the_env_file(self, tmp_path: Path) -> None:
        file = tmp_path / ".env"
        file.write_text("BOTFLOW_TRY_A=file\n")
        os.environ["BOTFLOW_TRY_A"] = "process"

        assert Environment(file).text("BOTFLOW_TRY_A") == "process"

    def test_a_missing_env_file_is_no_error(self, tmp_path: Path) -> None:
        assert Environment(tmp_path / ".env").text("BOTFLOW_TRY_A", "default") == "default"

    def test_the_env_file_may_name_a_secret_file(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text("from the file\n")
        (tmp_path / ".env").write_text(f"OPENAI_TRY_KEY_FILE={tmp_path / 'key'}\n")

        assert Environment(tmp_path / ".env").text("OPENAI_TRY_KEY") == "from the file"

    def test_a_value_wins_over_its_file(self, tmp_path: Path) -> None:
        os.environ |= {"WECHAT_TRY": "value", "WECHAT_TRY_FILE": MISSING}

        assert Environment(tmp_path / ".env").text("WECHAT_TRY") == "value"

    def test_files_of_other_programs_are_not_read(self, tmp_path: Path) -> None:
        os.environ["SSL_CERT_FILE"] = MISSING

        Environment(tmp_path / ".env")

        assert "SSL_CERT" not in os.environ

    def test_a_mapping_needs_names_and_values(self, tmp_path: Path) -> None:
        os.environ["BOTFLOW_TRY"] = "a=x.Y, b=z.W"
        env = Environment(tmp_path / ".env")

        assert env.mapping("BOTFLOW_TRY") == {"a": "x.Y", "b": "z.W"}
        for wrong in ("a", "=x", "a=", "a=x,b"):
            os.environ["BOTFLOW_TRY"] = wrong
            with pytest.raises(ImproperlyConfigured, match="BOTFLOW_TRY"):
                env.mapping("BOTFLOW_TRY")


def names_read(source: str) -> set[str]:
    """Return the names of the settings that a source text reads from the environment."""
    return set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', source))
