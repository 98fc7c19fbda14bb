"""Reads settings from the environment, `.env` and `NAME_FILE`; names what is wrong."""

import json
import os
import re
import zoneinfo
from collections.abc import Callable
from importlib.util import find_spec
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
            value = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}: cannot read {path!r}: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise ImproperlyConfigured(f"{name}: {path!r} is not a text file.") from None
        if not value:
            raise ImproperlyConfigured(f"{name}: {path!r} is empty.")
        os.environ[target] = value

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

    def optional_number(self, name: str, *, least: float, most: float) -> float | None:
        """Return a float, None for an empty value; raise outside [least, most]."""
        return self.number(name, float(least), least=least, most=most) if self.text(name) else None

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value not in choices:
            raise ImproperlyConfigured(
                f"{name} must be one of {', '.join(choices)}, not {value!r}."
            )
        return value

    def color(self, name: str) -> str:
        """Return a color as #rrggbb, "" for an empty value."""
        value = self.text(name)
        if value and not re.fullmatch("#[0-9a-fA-F]{6}", value):
            raise ImproperlyConfigured(f"{name} must look like #0c7565, not {value!r}.")
        return value.lower()

    def media_types(self, name: str, default: str) -> list[str]:
        """Return comma-separated media types, with `*` for any kind of one."""
        found = [word.lower() for word in self.words(name, default)]
        for word in found:
            if not re.fullmatch(r"[a-z]+/[\w.+-]*\*?", word) or word.endswith("/"):
                raise ImproperlyConfigured(
                    f"{name} must list media types such as image/*,application/pdf, not {word!r}."
                )
        return found

    def origins(self, name: str) -> list[str]:
        """Return comma-separated origins: scheme, host and maybe port, nothing else."""
        found = self.words(name)
        for origin in found:
            if not re.fullmatch(
                r"https?://(\*\.)?[\w.-]+(:\d{1,5})?|https?://\[[\da-f:]+\](:\d{1,5})?", origin
            ):
                raise ImproperlyConfigured(
                    f"{name} must list origins such as https://www.example.org, not {origin!r}."
                )
        return found

    def image(self, name: str, *, relative_to: Path) -> Path | None:
        """Return the path of an image file, None for an empty value."""
        value = self.text(name)
        if not value:
            return None
        path = relative_to / value
        if (
            path.suffix.lower() not in (".svg", ".png", ".webp", ".jpg", ".jpeg")
            or not path.is_file()
        ):
            raise ImproperlyConfigured(
                f"{name} must name an image file (svg, png, webp or jpg), not {value!r}."
            )
        return path

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

    def json_object(self, name: str) -> dict[str, Any]:
        """Return a JSON object, {} for an empty value."""
        try:
            value = json.loads(self.text(name, "{}"))
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise ImproperlyConfigured(f'{name} must be a JSON object such as {{"top_p": 0.9}}.')
        return value

    def apps(self, name: str) -> list[str]:
        """Return dotted paths for INSTALLED_APPS: of packages, or of classes in their modules."""
        paths = self.words(name)
        for path in paths:
            is_class = path.rpartition(".")[2][:1].isupper()
            module = path.rpartition(".")[0] if is_class else path
            if not _has_module(module):
                raise ImproperlyConfigured(
                    f"{name}: there is no module named {path!r}; PYTHONPATH says where to look."
                )
        return paths

    def time_zone(self, name: str, default: str) -> str:
        value = self.text(name, default)
        try:
            zoneinfo.ZoneInfo(value)
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            raise ImproperlyConfigured(
                f"{name}: there is no time zone named {value!r}; write Asia/Shanghai or UTC."
            ) from None
        return value

    def database(self, name: str, default: str, *, relative_to: Path) -> dict[str, Any]:
        """Return Django's DATABASES entry for a URL; SQLite and PostgreSQL only.

        `relative_to` is where the relative path of an SQLite file starts: every process must find
        the same file, wherever it was started.
        """
        url = self.text(name, default)
        if not url.startswith(("sqlite:", "postgres:", "postgresql:")):
            raise ImproperlyConfigured(
                f"{name} must begin with sqlite:// or postgres://, not {url.partition(':')[0]!r}."
            )
        try:
            entry = dict(self._env.db_url_config(url))
        except ValueError:  # its text may hold a password
            raise ImproperlyConfigured(
                f"{name} cannot be read; write postgres://user:password@host:5432/name."
            ) from None
        if not entry["NAME"]:
            raise ImproperlyConfigured(f"{name} names no database; it must end with /name.")
        if url.startswith("sqlite:"):
            if entry["NAME"] == ":memory:":
                raise ImproperlyConfigured(
                    f"{name} must name a file: processes cannot share a database in memory."
                )
            entry["NAME"] = str(relative_to / entry["NAME"])
        return entry


def _has_module(path: str) -> bool:
    """Tell whether a module could be imported; imports only the packages that it lies in."""
    try:
        return bool(path) and find_spec(path) is not None
    except (ImportError, ValueError):
        return False


SECRETS = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL")
