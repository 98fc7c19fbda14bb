"""What servers say of errors, each in its own form, is understood; sentences keep it to themselves.

The bodies are those that the documents and issue trackers of the servers show, read 2026-11-23.
"""

from typing import Any

import pytest
from django.utils import translation
from django.utils.functional import lazy

from conversations.agents.contract import current_turn
from conversations.agents.openai_compatible import errors
from conversations.agents.openai_compatible.errors import ModelError
from tests.agent_adapters.asking import turn
from tests.agent_adapters.client_calls import WITH_IMAGE, ask, failure_of
from tests.harness.model import Answer, ModelServer, Raw, failure, sse


def error(message: str = "", **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


OPENAI_QUOTA = "You exceeded your current quota, please check your plan and billing details."
OPENAI_LONG = (
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001."
)
VLLM_LONG = (
    "This model's maximum context length is 131072 tokens. However, you requested 156632 tokens "
    "(152536 in the messages, 4096 in the completion)."
)
DEEPSEEK_IMAGE = (
    "Failed to deserialize the JSON body into the target type: messages[0]: unknown variant "
    "`image_url`, expected `text` at line 1 column 395009"
)
DASHSCOPE_LONG = "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 6]"
AZURE_FILTER = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}}
GEMINI_KEY = {"reason": "API_KEY_INVALID", "domain": "googleapis.com"}
FASTAPI = [{"loc": ["body", "messages"], "msg": "field required", "type": "missing"}]
OPENROUTER_FLAG = {"reasons": ["violence"], "flagged_input": "…", "provider_name": "X"}

#: Kind, status, body.
TABLE: list[tuple[str, int, Any]] = [
    # OpenAI
    ("key", 401, error("Incorrect API key provided: sk-l***ck.", code="invalid_api_key")),
    ("key", 403, error("Country, region, or territory not supported")),
    ("not_found", 404, error("The model `x` does not exist", code="model_not_found")),
    ("quota", 429, error(OPENAI_QUOTA, type="insufficient_quota", code="insufficient_quota")),
    ("quota", 429, error("Billing hard limit", code="billing_hard_limit_reached")),
    ("busy", 429, error("Rate limit reached for gpt", code="rate_limit_exceeded", type="tokens")),
    ("too_long", 400, error(OPENAI_LONG, code="context_length_exceeded")),
    ("refused", 400, error("Unsupported value", code="unsupported_value", param="temperature")),
    ("refused", 400, error("max_tokens is too large: 100000.", param="max_tokens")),
    ("server", 500, error("The server had an error", type="server_error")),
    # Azure
    ("filtered", 400, error("The response was filtered", code="content_filter")),
    ("filtered", 400, error("…", code="unknown", innererror=AZURE_FILTER)),
    ("not_found", 404, error("The API deployment does not exist.", code="DeploymentNotFound")),
    ("key", 401, {"statusCode": 401, "message": "Access denied due to invalid subscription key"}),
    # DeepSeek
    ("key", 401, error("Authentication Fails", type="authentication_error")),
    ("quota", 402, error("Insufficient Balance", type="unknown_error")),
    ("refused", 422, error("missing field `messages`", type="invalid_request_error")),
    ("too_long", 400, error(VLLM_LONG, type="invalid_request_error")),
    ("filtered", 400, error("Content Exists Risk", type="invalid_request_error")),
    ("busy", 503, error("Service is too busy.", type="service_unavailable_error")),
    # Qwen (DashScope)
    ("key", 401, error("Incorrect API key provided.", code="invalid_api_key")),
    ("not_found", 404, error("The model `x` does not exist", code="model_not_found")),
    ("too_long", 400, error(DASHSCOPE_LONG, code="invalid_parameter_error")),
    ("filtered", 400, error("Input may be inappropriate", code="data_inspection_failed")),
    ("filtered", 400, {"code": "DataInspectionFailed", "message": "…"}),
    ("quota", 400, error("Access denied, good standing", code="Arrearage", type="Arrearage")),
    ("quota", 403, error("The free tier is exhausted", code="AllocationQuota.FreeTierOnly")),
    ("quota", 429, error("Free allocated quota exceeded.", code="insufficient_quota")),
    ("busy", 429, error("Allocated quota exceeded, please wait", code="insufficient_quota")),
    ("busy", 429, {"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded"}),
    # Kimi (Moonshot)
    ("key", 401, error("Invalid Authentication", type="invalid_authentication_error")),
    ("quota", 429, error("exceeded current quota", type="exceeded_current_quota_error")),
    ("quota", 403, error("Your account is not active", type="exceeded_current_quota_error")),
    ("busy", 429, error("please try again after 1 seconds", type="rate_limit_reached_error")),
    ("busy", 429, error("overloaded, try later", type="engine_overloaded_error")),
    ("too_long", 400, error("Input token length too long", type="invalid_request_error")),
    ("too_long", 400, error("Your request exceeded model token limit : 8192")),
    ("filtered", 400, error("… was considered high risk", type="content_filter")),
    ("not_found", 404, error("Not found the model", type="resource_not_found_error")),
    # GLM (BigModel)
    ("key", 401, error("身份验证失败", code="1000")),
    ("quota", 429, error("余额不足或无可用资源包,请充值。", code="1113")),
    ("busy", 429, error("您的账户已达到速率限制", code="1302")),
    ("busy", 429, error("该模型当前访问量过大", code="1305")),
    ("quota", 429, error("已达到使用上限", code="1308")),
    ("too_long", 400, error("Prompt exceeds max length", code="1261")),
    ("filtered", 400, error("系统检测到输入可能包含敏感内容", code="1301")),
    ("not_found", 400, error("模型不存在，请检查模型代码", code="1211")),
    ("refused", 400, error("API 调用参数有误", code="1210")),
    # SiliconFlow
    ("quota", 403, {"code": 30001, "message": "Sorry, your account balance is insufficient"}),
    ("too_long", 400, {"code": 20015, "message": "length of prompt_tokens > max_seq_len (4096)"}),
    ("key", 401, '"Invalid token"'),
    # Gemini
    ("key", 400, [{"error": {"code": 400, "message": "…", "details": [GEMINI_KEY]}}]),
    ("busy", 429, [{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "…"}}]),
    # Ollama
    ("not_found", 404, error('model "x" not found, try pulling it first', type="api_error")),
    ("refused", 400, error("x does not support tools", type="api_error")),
    # vLLM, as it was and as it is
    ("too_long", 400, {"object": "error", "message": VLLM_LONG, "type": "BadRequestError"}),
    ("not_found", 404, {"object": "error", "message": "The model `x` does not exist."}),
    ("key", 401, {"error": "Unauthorized"}),
    ("refused", 422, {"detail": FASTAPI}),
    # llama.cpp
    ("too_long", 400, error("exceeds the available context", type="exceed_context_size_error")),
    ("too_long", 500, error("the request exceeds the available context size.", code=500)),
    ("busy", 503, error("Loading model", type="unavailable_error", code=503)),
    # OpenRouter
    ("quota", 402, error("Insufficient credits", code=402)),
    ("filtered", 403, error("Your chosen model requires moderation", metadata=OPENROUTER_FLAG)),
    ("slow", 408, error("Your request timed out", code=408)),
    ("server", 502, error("Provider returned error", code=502)),
    ("busy", 503, error("No available provider", code=503)),
    # Whoever stands between
    ("busy", 529, error("Overloaded", type="overloaded_error")),
    ("busy", 503, "<html><body>503 Service Temporarily Unavailable"),
    ("server", 502, "<html><body>502 Bad Gateway image tools"),
    ("slow", 504, "upstream request timeout"),
    ("key", 403, "<!DOCTYPE html><title>Just a moment...</title>"),
    ("too_long", 413, "<html>413 Request Entity Too Large"),
    ("not_found", 405, ""),
    ("refused", 418, "null"),
    ("server", 500, b"\xff\xfe\x00"),
    ("server", 500, "[" * 50_000),
]


@pytest.mark.parametrize(("kind", "status", "body"), TABLE)
async def test_an_error_is_known_by_status_and_body(
    model: ModelServer, kind: str, status: int, body: Any
) -> None:
    if isinstance(body, list):
        body = {"error": body}
    model.script(failure(status, body))

    found = await failure_of()

    assert (found.kind, found.status) == (kind, status)
    assert found.permanent == (kind not in ("busy", "server", "slow"))
    assert str(status) in found.reason


async def test_a_redirect_is_not_followed(model: ModelServer) -> None:
    model.script(failure(307, headers={"Location": f"{model.base_url}/elsewhere"}))

    found = await failure_of()

    assert (found.kind, found.permanent, len(model.requests)) == ("garbage", True, 1)
    assert "OPENAI_BASE_URL" in found.reason


IMAGE_REFUSALS = [
    (400, error(DEEPSEEK_IMAGE, type="invalid_request_error")),
    (400, {"error": "this model does not support image input"}),
    (400, error("At most 0 image(s) may be provided in one request.", type="BadRequestError")),
    (400, error("x is not a multimodal model", code=400)),
    (404, error("No endpoints found that support image input", code=404)),
    (400, error("messages.content.type 参数非法，取值范围 ['text']", code="1214")),
    (422, {"detail": [{"msg": "Input should be a valid string", "loc": ["messages"]}]}),
    (413, "<html>413 Request Entity Too Large"),
]


@pytest.mark.parametrize(("status", "body"), IMAGE_REFUSALS)
async def test_a_model_without_eyes_is_known_where_images_were_sent(
    model: ModelServer, status: int, body: Any
) -> None:
    model.script(failure(status, body))

    assert (await failure_of(WITH_IMAGE)).kind == "images"
    assert (await failure_of()).kind != "images"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("stream_options", "Unknown parameter: 'stream_options.include_usage'"),
        ("tools", "registry.ollama.ai/library/gemma3:4b does not support tools"),
        ("tools", "Unsupported parameter: tool_choice"),
    ],
)
async def test_what_a_refusal_is_about_is_said(model: ModelServer, word: str, message: str) -> None:
    model.script(failure(400, error(message, type="api_error")))

    found = await failure_of()

    assert (found.kind, found.about) == ("refused", {word})


#: As an object in the stream, or as the whole body, with 200.
IN_STREAM: list[tuple[str, Any]] = [
    ("slow", error("TimeoutError", type="GatewayTimeout", code=504)),
    ("server", error("Internal error", type="InternalServerError", code=500)),
    ("server", error("Something happened")),
    ("server", {"error": "Something happened"}),
    ("busy", error("Rate limited", code=429)),
    ("busy", error("Overloaded", type="overloaded_error")),
    ("key", error("No cookie", code=401)),
    ("refused", error("Bad", type="invalid_request_error")),
    ("too_long", error(VLLM_LONG, code=400)),
    ("filtered", {"code": "data_inspection_failed", "message": "…", "request_id": "1"}),
    ("server", {"object": "error", "message": "…", "code": 500}),
    ("server", {**error("Provider disconnected", code=502), "choices": [{"delta": {}}]}),
    ("server", {"choices": [{"delta": {"content": ""}, "error": {"code": 502, "message": "x"}}]}),
    ("server", {"choices": [{"delta": {}, "finish_reason": "network_error"}]}),
    ("busy", {"choices": [{"delta": {}, "finish_reason": "insufficient_system_resource"}]}),
]


@pytest.mark.parametrize(("kind", "said"), IN_STREAM)
@pytest.mark.parametrize("form", ["first", "later", "whole"])
async def test_an_error_amid_the_stream_is_one(
    model: ModelServer, kind: str, said: Any, form: str
) -> None:
    piece = {"choices": [{"delta": {"content": "Well,"}}]}
    if form == "whole":
        model.script(failure(200, said))
    else:
        model.script(Raw(body=sse(*([piece] if form == "later" else []), said)))

    assert (await failure_of()).kind == kind


async def test_an_event_named_error_is_one(model: ModelServer) -> None:
    model.script(Raw(body=[b'event: error\ndata: {"message": "x", "status": 503}\n\n']))

    assert (await failure_of()).kind == "busy"


def test_the_sentence_is_in_the_language_of_the_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(errors._MESSAGES, "busy", lazy(translation.get_language, str)())
    token = current_turn.set(turn(locale="zh-hans"))
    try:
        sentence = str(ModelError("busy"))
    finally:
        current_turn.reset(token)

    assert sentence == "zh-hans"
    assert str(ModelError("busy")) == translation.get_language() == "en"


@pytest.mark.parametrize("kind", errors._MESSAGES)
def test_each_kind_has_a_sentence_for_the_user_and_one_for_the_owner(kind: str) -> None:
    found = ModelError(kind, status=400, code="server_error")

    assert str(found) != found.reason
    assert str(found).endswith(".") and "400" not in str(found)
    assert "(400, server_error)" in found.reason


async def test_the_next_request_after_an_error_is_answered(model: ModelServer) -> None:
    model.script(failure(500), Answer("Well again."))
    await failure_of()

    assert "".join(event.text for event in await ask()) == "Well again."
