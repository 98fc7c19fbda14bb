"""Reads what servers say of an error, in the many forms they say it: the tables of `errors`.

Forms and texts are those of the documents and issue trackers of OpenAI, Azure, DeepSeek,
DashScope (Qwen), Moonshot (Kimi), BigModel (GLM), SiliconFlow, OpenRouter, Gemini, Ollama, vLLM
and llama.cpp, read 2026-11-23.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

#: What is looked at of a text: the words that matter stand at its beginning.
MAX_TEXT = 4000

_QUOTA_CODES = {
    *("insufficient_quota", "exceeded_current_quota_error", "billing_hard_limit_reached"),
    *("billing_not_active", "arrearage", "allocationquota_freetieronly", "insufficient_balance"),
    # GLM: in arrears; limits of the day, of the plan, of the week.
    *("1113", "1304", "1308", "1309", "1310"),
    # SiliconFlow: the balance.
    "30001",
}
_QUOTA_TEXTS = re.compile(
    r"insufficient (account )?balance|balance is insufficient|exceeded (your )?current quota"
    r"|余额不足|欠费|free (allocated )?quota exceeded|free tier of the model has been exhausted"
)
#: DashScope says `insufficient_quota` of the tokens of a minute, too: that is over in a minute.
_RATE_TEXTS = re.compile(r"(?<!free )allocated quota exceeded|requests rate limit|per (min|sec)")

_FILTER_CODES = {
    *("content_filter", "content_policy_violation", "data_inspection_failed", "1301", "sensitive"),
    *("datainspectionfailed", "responsibleaipolicyviolation", "content_moderation", "refusal"),
    *("moderation_blocked", "prohibited_content"),
}
_FILTER_TEXTS = re.compile(
    r"content exists risk|considered high risk|inappropriate content|content management policy"
    r"|敏感内容|requires moderation|flagged"
)

_TOO_LONG_CODES = {
    *("context_length_exceeded", "exceed_context_size_error", "context_exceeded", "1261"),
    *("string_too_long", "string_above_max_length", "token_limit_exceeded"),
    *("request_too_large", "model_context_window_exceeded"),
}
_TOO_LONG_TEXTS = re.compile(
    r"context[ _]?(length|window|size)|maximum model length|max_model_len|range of input length"
    r"|token length too long|exceeded model token limit|max(imum)? length exceeded"
    r"|exceed\w* max length|(prompt|input|request) is too long|too many tokens|超长"
    r"|reduce the length of|exceeds the maximum number of tokens|max_seq_len|max_total_tokens"
    r"|input length|max_tokens must be at least 1"
)

_BUSY_CODES = {
    *("rate_limit_exceeded", "rate_limit_reached_error", "rate_limit_error", "throttling"),
    *("engine_overloaded_error", "overloaded_error", "provider_overloaded", "server_busy"),
    *("resource_exhausted", "limit_requests", "1302", "1303", "1305", "1312"),
}
_KEY_CODES = {
    *("invalid_api_key", "incorrect_api_key_error", "invalid_authentication_error"),
    *("authentication_error", "authentication", "invalidapikey", "api_key_invalid"),
    *("1000", "1001", "1002", "1003", "1004"),
}
_KEY_TEXTS = re.compile(r"api key not valid|api key not found|(incorrect|invalid) api key")
_NOT_FOUND_CODES = {
    *("model_not_found", "modelnotfound", "not_found_error", "not_found", "notfounderror", "1211"),
    "resource_not_found_error",
}
_NOT_FOUND_TEXTS = re.compile(
    r"model .{0,100}(does not|doesn't) exist|模型不存在|not a valid model"
)
_REFUSED_CODES = {
    *("invalid_request_error", "badrequesterror", "invalid_request", "invalid_argument"),
    *("invalidparameter", "invalid_parameter_error"),
}

_OTHER_CODES = {
    *("api_error", "bad_request", "internal_error", "internal_server_error", "server_error"),
    *("permission_denied", "access_denied", "accessdenied", "unavailable", "timeout", "internal"),
    *("unsupported_parameter", "unsupported_value", "provider_unavailable", "service_unavailable"),
}
#: The words of a server that may be shown: a word that is not known here could be anything.
_HARMLESS = frozenset().union(
    *(_QUOTA_CODES, _FILTER_CODES, _TOO_LONG_CODES, _BUSY_CODES, _KEY_CODES, _NOT_FOUND_CODES),
    *(_REFUSED_CODES, _OTHER_CODES),
)

#: What a refusal may be about, so that it can be left out. The last two lines are what servers
#: say that expect nothing but a text where parts of a text and images came.
_ABOUT = {
    "images": re.compile(
        r"image|vision|multi-?modal|图片|图像|content\.type|input_type"
        r"|expected a string|must be a string|valid string"
    ),
    "tools": re.compile(r"\btools?\b|tool_choice|tool-call|function[ _]call"),
    "stream_options": re.compile(r"stream_options|include_usage"),
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a server said, by what it means. Nothing of its text is kept but `code`."""

    codes: frozenset[str] = frozenset()
    #: A word or number that may be shown; empty where there is none that is harmless.
    code: str = ""
    #: The status of HTTP that the object names, 0 where it names none.
    status: int = 0
    about: frozenset[str] = frozenset()
    is_quota: bool = False
    is_filtered: bool = False
    is_too_long: bool = False
    is_busy: bool = False
    is_key: bool = False
    is_not_found: bool = False
    is_refused: bool = False


def read_body(body: Any) -> Complaint:
    """Read the body of an error: bytes of any kind, or JSON that is parsed already."""
    if not isinstance(body, bytes | bytearray):
        return read(body)
    text = body.decode("utf-8", "replace")
    try:
        return read(json.loads(text))
    except (ValueError, RecursionError):
        # A page of a proxy says nothing of the model; a line of plain text may.
        return Complaint() if text.lstrip("\ufeff \r\n\t").startswith("<") else read(text)


def read(error: Any) -> Complaint:
    """Read an error object, alone or within what it is sent in."""
    found = _unwrap(error)
    codes = [_machine_word(one) for one in _codes(found)]
    text = " ".join(_texts(found))[:MAX_TEXT].lower()
    known = frozenset(filter(None, codes))
    is_rate = bool(_RATE_TEXTS.search(text))
    has_quota = bool(known & _QUOTA_CODES or _QUOTA_TEXTS.search(text))
    return Complaint(
        codes=known,
        code=next((one for one in codes if _is_harmless(one)), ""),
        status=_status(found, known),
        about=frozenset(name for name, words in _ABOUT.items() if words.search(text)),
        is_quota=has_quota and not is_rate,
        is_filtered=bool(known & _FILTER_CODES or _FILTER_TEXTS.search(text)),
        is_too_long=bool(known & _TOO_LONG_CODES or _TOO_LONG_TEXTS.search(text)),
        is_busy=bool(known & _BUSY_CODES or (has_quota and is_rate)) or _is_throttled(known),
        is_key=bool(known & _KEY_CODES or _KEY_TEXTS.search(text)),
        is_not_found=bool(known & _NOT_FOUND_CODES or _NOT_FOUND_TEXTS.search(text)),
        is_refused=bool(known & _REFUSED_CODES),
    )


def _unwrap(error: Any) -> dict[str, Any]:
    """Return the innermost object: `{"error": {…}}`, `[{"error": {…}}]` (Gemini), a mere text."""
    for _depth in range(3):
        if isinstance(error, list) and error:
            error = error[0]
        elif isinstance(error, dict) and error.get("error"):
            inner = error["error"]
            # DashScope and FastAPI put the rest beside a text.
            error = (
                inner if isinstance(inner, dict | list) else {**error, "error": None, "t": inner}
            )
    if isinstance(error, dict):
        return error
    return {"t": error} if isinstance(error, str) else {}


def _codes(error: dict[str, Any]) -> Iterator[Any]:
    """Yield what may be a machine's word, the most telling first."""
    inner = error.get("innererror")
    metadata = error.get("metadata")
    details = error.get("details")
    if isinstance(inner, dict):
        yield inner.get("code")
    if isinstance(metadata, dict):
        yield metadata.get("error_type")
    yield error.get("code")
    yield error.get("type")
    yield error.get("status")
    for detail in details[:5] if isinstance(details, list) else []:
        if isinstance(detail, dict):
            yield detail.get("reason")


def _texts(error: dict[str, Any]) -> Iterator[str]:
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    for value in (*map(error.get, ("message", "msg", "t", "detail", "param")), raw):
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | dict):
            # FastAPI: a list of what is wrong with which field.
            yield json.dumps(value)


def _machine_word(value: Any) -> str:
    """Return a code in lower case: `Throttling.RateQuota` is `throttling_ratequota`."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return re.sub(r"[^a-z0-9]+", "_", str(value)[:100].lower()).strip("_")


def _is_harmless(code: str) -> bool:
    return code in _HARMLESS or bool(re.fullmatch(r"\d{3,5}", code))


def _is_throttled(codes: frozenset[str]) -> bool:
    return any(code.startswith("throttling") for code in codes)


def _status(error: dict[str, Any], codes: frozenset[str]) -> int:
    for value in map(error.get, ("status_code", "status", "code", "http_code")):
        try:
            status = int(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            continue
        if 400 <= status <= 599:
            return status
    return 0
