"""What is wrong with the settings of the model, found when the site starts."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings

#: A setting, what is wrong with it, and what to do.
Problem = tuple[str, str, str]

EXAMPLE = (
    "set BOTFLOW_MODEL to the name of a model, for example deepseek-flash with "
    "OPENAI_BASE_URL=https://api.deepseek.com"
)


def configuration_problems() -> list[Problem]:
    """Return what keeps `openai_compatible` from asking its model; no value is quoted.

    An empty key is none: servers of one's own often want none.
    """
    problems = [_model_problem(), _base_url_problem(), _key_problem()]
    return [problem for problem in problems if problem]


def _model_problem() -> Problem | None:
    if settings.BOTFLOW_MODEL.strip():
        return None
    return ("BOTFLOW_MODEL", "BOTFLOW_MODEL is empty.", f"{EXAMPLE[0].upper()}{EXAMPLE[1:]}.")


def _base_url_problem() -> Problem | None:
    try:
        parts = urlsplit(settings.OPENAI_BASE_URL)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
        parts.port  # noqa: B018  Raises where it is no number.
    except ValueError:
        is_address = False
    hint = "Set it to the address that the provider names, such as https://api.openai.com/v1."
    if not is_address or any(each.isspace() for each in settings.OPENAI_BASE_URL):
        return "OPENAI_BASE_URL", "OPENAI_BASE_URL is no http:// or https:// address.", hint
    if parts.username or parts.password:
        problem = "OPENAI_BASE_URL holds a user name or a password."
        return "OPENAI_BASE_URL", problem, "Put the key into OPENAI_API_KEY."
    if parts.fragment or parts.path.endswith("/chat/completions"):
        problem = "OPENAI_BASE_URL says more than where the API begins."
        return "OPENAI_BASE_URL", problem, "Leave out /chat/completions and what follows a #."
    return None


def _key_problem() -> Problem | None:
    key = settings.OPENAI_API_KEY
    if key.isascii() and key.isprintable() and " " not in key:
        return None
    hint = "Copy it again from the provider's page: without spaces, quotes and line ends."
    return "OPENAI_API_KEY", "OPENAI_API_KEY has characters that no key has.", hint
