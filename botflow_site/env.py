"""Reads settings from the environment, `.env` and `NAME_FILE`, and names the variable that is wrong."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured


class Environment:
    """One reader for every setting.

    A value comes from the process environment, else from `.env`; `NAME_FILE` names a file that
    holds it, for secrets mounted as files. An empty value counts as unset.
    """

    def __init__(self, env_file: Path) -> None:
        environ.Env.read_env(env_file, overwrite=False) if env_file.is_file() else None
        for name, path in list(os.environ.items()):
            if name.endswith("_FILE") and not os.environ.get(name.removesuffix("_FILE")):
                self._read_secret(name, path)
        self._env = environ.Env()

    @staticmethod
    def _read_secret(name: str, path: str) -> None:
        target = name.removesuffix("_FILE")
        if not (target.startswith(("BOTFLOW_", "WECHAT_", "OPENAI_")) or target in SECRETS):
            return
        try:
            os.environ[target] = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}: cannot read {path!r}: {error.strerror}.") from None

    def text(self, name: str, default: str = "") -> str:
        return os.environ.get(name, "").strip() or default

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.text(name).lower()
        if value in ("1", "true", "yes", "on"):
            return True
        if value in ("0", "false", "no", "off"):
            return False
        if not value:
            return default
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")

    def number(self, name: str, default: float, *, least: float, most: float) -> Any:
        """Return an int when `default` is an int, else a float; raise outside [least, most]."""
        value = self.text(name)
        convert: Callable[[str], float] = int if isinstance(default, int) else float
        try:
            number = convert(value) if value else default
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise ImproperlyConfigured(
                f"{name} must be a number from {least} to {most}, not {value!r}."
            )
        return number

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value not in choices:
            raise ImproperlyConfigured(
                f"{name} must be one of {', '.join(choices)}, not {value!r}."
            )
        return value

    def words(self, name: str, default: str = "") -> list[str]:
        """Return the comma-separated words of a value, without blanks."""
        return [word.strip() for word in self.text(name, default).split(",") if word.strip()]

    def mapping(self, name: str) -> dict[str, str]:
        """Return `key=value,key=value` as a dict."""
        pairs = [word.partition("=") for word in self.words(name)]
        for key, separator, value in pairs:
            if not (key.strip() and separator and value.strip()):
                raise ImproperlyConfigured(f"{name} must look like name=path,name=path.")
        return {key.strip(): value.strip() for key, _, value in pairs}

    def database(self, name: str, default: str) -> dict[str, Any]:
        """Return Django's DATABASES entry for a URL; SQLite and PostgreSQL only."""
        url = self.text(name, default)
        if not url.startswith(("sqlite:", "postgres:", "postgresql:")):
            raise ImproperlyConfigured(
                f"{name} must begin with sqlite:// or postgres://, not {url.partition(':')[0]!r}."
            )
        return dict(self._env.db_url_config(url))


SECRETS = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL")
