"""A server that says when to come back is obeyed, within reason."""

from datetime import UTC, datetime, timedelta

import pytest

from conversations.agents.openai_compatible.errors import from_status
from tests.agent_adapters.client_calls import failure_of
from tests.harness.model import ModelServer, failure

NOW = datetime(2026, 11, 23, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"retry-after": "1.5"}, 1.5),
        ({"Retry-After": " 20 "}, 20),
        ({"Retry-After": "Mon, 23 Nov 2026 01:05:30 GMT"}, 30),
        ({"Retry-After": "Mon, 23 Nov 2026 01:05:30"}, 30),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"Retry-After": "9", "Retry-After-Ms": "250"}, 0.25),
        ({"Retry-After": "9", "Retry-After-Ms": "soon"}, 9),
        # More than anyone should wait
        ({"Retry-After": "301"}, 300),
        ({"Retry-After": "9" * 400}, 300),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, 300),
        ({"retry-after-ms": "9" * 400}, 300),
        # Nothing that can be obeyed
        ({}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "0"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "1e9"}, None),
        ({"Retry-After": "٧"}, None),
        ({"Retry-After": "in a while"}, None),
        ({"Retry-After": "Mon, 23 Nov 2026 01:04:00 GMT"}, None),
        ({"Retry-After": "Mon, 99 Nov 2026 99:99:99 GMT"}, None),
        ({"Retry-After": "Mon, 23 Nov 99999999999999 01:05:30 GMT"}, None),
        ({"Retry-After": "Mon, 23 Nov 2026 01:05:30 +99999999"}, None),
    ],
)
def test_the_forms_of_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    found = from_status(429, None, headers, now=NOW)

    assert found.retry_after == (None if seconds is None else timedelta(seconds=seconds))


async def test_the_header_of_a_real_answer_is_read(model: ModelServer) -> None:
    model.script(failure(429, headers={"Retry-After": "7"}))

    assert (await failure_of()).retry_after == timedelta(seconds=7)


def test_what_is_permanent_is_not_tried_again() -> None:
    assert from_status(401, None, {"Retry-After": "7"}, now=NOW).retry_after is None


def test_a_budget_that_is_free_again_soon_is_waited_for() -> None:
    found = from_status(402, None, {"Retry-After": "3"}, now=NOW)

    assert (found.kind, found.permanent, found.retry_after) == ("busy", False, timedelta(seconds=3))
