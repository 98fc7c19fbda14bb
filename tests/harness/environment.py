"""The environment of tests and their processes: nothing of the developer's."""

import argparse
import os
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_OURS = ("BOTFLOW_", "WECHAT_", "OPENAI_")
_NAMES = {
    *("SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "DATABASE_URL", "REDIS_URL"),
    *("TIME_ZONE", "LOG_FORMAT", "LOG_LEVEL"),
}


def neutral() -> dict[str, str]:
    """Return the environment without any setting of the site; those in `.env` are emptied."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("BOTFLOW_TEST_") or not (name.startswith(_OURS) or name in _NAMES)
    }
    dotenv = ROOT / ".env"
    if dotenv.is_file():
        lines = dotenv.read_text(encoding="utf-8").splitlines()
        kept |= {line.partition("=")[0].removeprefix("export ").strip(): "" for line in lines}
    kept.pop("", None)
    path = [str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {"PYTHONPATH": os.pathsep.join(path), "DJANGO_SETTINGS_MODULE": ""}


def prepare() -> None:
    """Give this process a data folder and the database that `--database` asks for."""
    # Here, for the services import what reads the environment.
    from tests.harness import services  # noqa: PLC0415

    environment = neutral()
    environment["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    environment["BOTFLOW_DATA_DIR"] = services.temporary_folder("tests")
    os.environ.clear()
    os.environ.update(environment)
    if chosen_database() == "postgresql" and services.missing("postgres") is None:
        os.environ["DATABASE_URL"] = services.postgres().new_database()


def chosen_database() -> str:
    """Return what `--database` says, read by hand: settings come before pytest's own parse."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--database", default="sqlite")
    words = shlex.split(os.environ.get("PYTEST_ADDOPTS", "")) + sys.argv[1:]
    return str(parser.parse_known_args(words)[0].database)
