"""System checks of the WECHAT_* settings as a whole: each has a stable id and says what to do."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core import checks

#: Which of the settings show that somebody wants the channel; the others have defaults.
WANTED_WITH = (
    "WECHAT_APP_ID",
    "WECHAT_APP_SECRET",
    "WECHAT_AES_KEY",
    "WECHAT_AES_KEY_PREVIOUS",
    "WECHAT_ORIGINAL_ID",
    "WECHAT_TEMPLATE_ID",
    "WECHAT_TEMPLATE_FIELDS",
)
#: First parts of addresses that the site itself uses.
TAKEN = {"admin", "favicon.ico", "health", "language", "login", "metrics", "static", "ws"}

Problems = list[checks.CheckMessage]


@checks.register
def check_token(app_configs: Sequence[Any] | None, **kwargs: Any) -> Problems:
    if not settings.WECHAT_TOKEN:
        others = [name for name in WANTED_WITH if getattr(settings, name)]
        if not others:
            return []
        problem = f"WECHAT_TOKEN is not set, but {', '.join(others)}: WeChat stays off."
        hint = "Set it to the Token of the server configuration, or remove the others."
        return [checks.Error(problem, hint=hint, id="wechat.E001")]
    if re.fullmatch(r"[A-Za-z0-9]{3,32}", settings.WECHAT_TOKEN):
        return []
    problem = "WECHAT_TOKEN is not one that WeChat takes."
    hint = "Write 3 to 32 letters and digits, the same here and in WeChat's console."
    return [checks.Error(problem, hint=hint, id="wechat.E002")]


@checks.register
def check_app_id(app_configs: Sequence[Any] | None, **kwargs: Any) -> Problems:
    """Refuse an app id that is none, and its lack where ciphertext or the API needs it."""
    hint = "It begins with wx and stands in WeChat's console beside the AppSecret."
    if settings.WECHAT_APP_ID:
        if re.fullmatch(r"wx[A-Za-z0-9_-]{1,62}", settings.WECHAT_APP_ID):
            return []
        problem = f"WECHAT_APP_ID is no app id: {settings.WECHAT_APP_ID!r}."
        return [checks.Error(problem, hint=hint, id="wechat.E003")]
    if settings.WECHAT_AES_KEY or settings.WECHAT_APP_SECRET:
        problem = "WECHAT_APP_ID is not set: nothing can be decrypted or sent without it."
        return [checks.Error(problem, hint=hint, id="wechat.E003")]
    if not settings.WECHAT_TOKEN:
        return []
    problem = "WECHAT_APP_ID is not set: only replies in plain text are possible."
    return [checks.Warning(problem, hint=hint, id="wechat.W001")]


@checks.register
def check_original_id(app_configs: Sequence[Any] | None, **kwargs: Any) -> Problems:
    if re.fullmatch(r"(gh_[A-Za-z0-9]{1,60})?", settings.WECHAT_ORIGINAL_ID):
        return []
    problem = f"WECHAT_ORIGINAL_ID is no id of an account: {settings.WECHAT_ORIGINAL_ID!r}."
    hint = "It begins with gh_; leave it empty to take messages to any account."
    return [checks.Error(problem, hint=hint, id="wechat.E004")]


@checks.register
def check_keys(app_configs: Sequence[Any] | None, **kwargs: Any) -> Problems:
    """Refuse keys that cannot be used, without showing them."""
    problems: Problems = []
    for name in ("WECHAT_AES_KEY", "WECHAT_AES_KEY_PREVIOUS"):
        # WeChat makes keys of letters and digits; the algorithm takes all of base64.
        if not re.fullmatch(r"([A-Za-z0-9+/]{43})?", getattr(settings, name)):
            problem = f"{name} is no EncodingAESKey."
            hint = "Copy all 43 characters from WeChat's console, without spaces."
            problems.append(checks.Error(problem, hint=hint, id="wechat.E005"))
    previous = settings.WECHAT_AES_KEY_PREVIOUS
    if previous and previous == settings.WECHAT_AES_KEY:
        problem = "WECHAT_AES_KEY_PREVIOUS is the same as WECHAT_AES_KEY."
        hint = "Put the key from before the last change there, or nothing."
        problems.append(checks.Error(problem, hint=hint, id="wechat.E006"))
    elif previous and not settings.WECHAT_AES_KEY:
        problem = "WECHAT_AES_KEY_PREVIOUS is set without WECHAT_AES_KEY."
        hint = "Put the key that is valid now into WECHAT_AES_KEY."
        problems.append(checks.Error(problem, hint=hint, id="wechat.E006"))
    return problems


@checks.register
def check_mode(app_configs: Sequence[Any] | None, **kwargs: Any) -> Problems:
    if settings.WECHAT_MODE != "plain":
        if settings.WECHAT_AES_KEY:
            return []
        problem = f"WECHAT_MODE is {settings.WECHAT_MODE}, but WECHAT_AES_KEY is not set."
        hint = "Copy the EncodingAESKey from WeChat's console, or use plain in both places."
        return [checks.Error(problem, hint=hint, id="wechat.E007")]
    if not settings.WECHAT_TOKEN:
        return []
    problem = "WECHAT_MODE is plain: messages can be read on the way, and changed."
    hint = "Choose the secure mode in WeChat's console and set WECHAT_AES_KEY."
    return [checks.Warning(problem, hint=hint, id="wechat.W002")]


@checks.register
def check_reply(app_configs: Sequence[Any] | None, **kwargs: Any) -> Problems:
    """Refuse sending without what it needs; mention that there will be none."""
    if settings.WECHAT_APP_SECRET or settings.WECHAT_REPLY == "passive":
        return []
    if settings.WECHAT_REPLY == "customer_service":
        problem = "WECHAT_REPLY is customer_service, but WECHAT_APP_SECRET is not set."
        hint = "Set the AppSecret; an account that may not send wants passive or auto."
        return [checks.Error(problem, hint=hint, id="wechat.E008")]
    if not settings.WECHAT_TOKEN:
        return []
    problem = "WECHAT_APP_SECRET is not set: everything goes out as a reply to a message."
    hint = "Right for an account that is not verified; WECHAT_REPLY=passive says so."
    return [checks.Info(problem, hint=hint, id="wechat.I001")]


@checks.register
def check_path(app_configs: Sequence[Any] | None, **kwargs: Any) -> Problems:
    path = settings.WECHAT_PATH
    if not re.fullmatch(r"(/[A-Za-z0-9_.~-]+)+", path):
        problem = f"WECHAT_PATH is no path: {path!r}."
        hint = "Begin with / and do not end with it; for example /wechat."
        return [checks.Error(problem, hint=hint, id="wechat.E009")]
    if path.split("/")[1] in TAKEN:
        problem = f"WECHAT_PATH {path!r} is an address of the site's own."
        hint = "Choose another one, for example /wechat."
        return [checks.Error(problem, hint=hint, id="wechat.E009")]
    return []


@checks.register
def check_api_address(app_configs: Sequence[Any] | None, **kwargs: Any) -> Problems:
    """Refuse an address that cannot be called; warn of one that everybody could listen to."""
    url = _split(settings.WECHAT_API_BASE_URL)
    if url is None:
        problem = "WECHAT_API_BASE_URL is no address."  # it may hold a password
        hint = "For example https://api.weixin.qq.com, without user, query and fragment."
        return [checks.Error(problem, hint=hint, id="wechat.E010")]
    if url.scheme == "https" or is_loopback(url.hostname or ""):
        return []
    problem = "WECHAT_API_BASE_URL is not encrypted: the AppSecret would be readable on the way."
    return [checks.Warning(problem, hint="Begin it with https://.", id="wechat.W003")]


@checks.register
def check_template(app_configs: Sequence[Any] | None, **kwargs: Any) -> Problems:
    template, fields = settings.WECHAT_TEMPLATE_ID, settings.WECHAT_TEMPLATE_FIELDS
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,128}", template):
        problem = f"WECHAT_TEMPLATE_ID is no id of a template: {template!r}."
        hint = "Copy it from the list of your templates in WeChat's console."
    elif fields and not template:
        problem = "WECHAT_TEMPLATE_FIELDS is set without WECHAT_TEMPLATE_ID."
        hint = "Name the template that has these fields, or remove them."
    elif template and not fields:
        problem = "WECHAT_TEMPLATE_ID is set without WECHAT_TEMPLATE_FIELDS."
        hint = "Say what goes into its fields, for example thing1=text,time2=time."
    else:
        return []
    return [checks.Error(problem, hint=hint, id="wechat.E011")]


@checks.register
def check_hosts(app_configs: Sequence[Any] | None, **kwargs: Any) -> Problems:
    if not settings.WECHAT_TOKEN or not all(map(is_loopback, settings.ALLOWED_HOSTS)):
        return []
    problem = "ALLOWED_HOSTS has names of this machine only: WeChat cannot reach the site."
    hint = "Add the host name of the URL in WeChat's console; for the simulator all is well."
    return [checks.Warning(problem, hint=hint, id="wechat.W004")]


def is_loopback(host: str) -> bool:
    """Tell whether a name, or an address with or without brackets, is this machine's own."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.rstrip(".").lower() in ("localhost", ".localhost")


def _split(url: str) -> SplitResult | None:
    """Return the parts of an http(s) address of a server, None for anything else."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  raises for one that is no number
    except ValueError:
        return None
    is_plain = not (parts.query or parts.fragment or parts.username or parts.password)
    is_clean = bool(re.fullmatch(r"[!-~]+", url))
    is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
    return parts if is_web and is_plain and is_clean else None
