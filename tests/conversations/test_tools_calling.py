"""A tool is called with arguments that fit, and whatever comes of it is told in a sentence."""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BeforeValidator

from conversations.agents import Turn, current_turn
from conversations.models import Conversation
from conversations.tools import ToolError, call_tool, sets_up, tool_of
from tests.conversations.tooling import Color, add, call, weather

TURN = Turn("hi", [], Conversation(channel="web", address="a"), "web", "en", "UTC")
FAILED = "Error: The tool failed. Trying again will hardly help."
LATE = "Error: The tool took too long; what it was to do may be done or not."


def echo(a: Any = None, b: Any = None) -> Any:
    return a


def returning(value: Any) -> Callable[[], Any]:
    def give() -> Any:
        return value

    return give


def raising(error: BaseException) -> list[Callable[[], Any]]:
    """Return a plain and an async function that raise it."""

    def fail() -> str:
        raise error

    async def fail_async() -> str:
        raise error

    return [fail, fail_async]


# -- arguments -------------------------------------------------------------------------------------


async def test_json_and_dicts_are_taken_and_the_turn_is_filled_in() -> None:
    assert await call(weather, TURN, '{"city": "Ulm"}') == "Ulm: rain for 1 days, en"
    assert await call(weather, TURN, {"city": "Ulm", "days": 2}) == "Ulm: rain for 2 days, en"


@pytest.mark.parametrize("nothing", ["", "{}", "null", None, {}])
async def test_no_arguments_may_be_said_in_many_ways(nothing: Any) -> None:
    assert await call(returning("done"), TURN, nothing) == "done"


async def test_arguments_are_converted_to_what_the_function_takes() -> None:
    seen: list[Any] = []

    def take(color: Color, kind: Literal["a", "b"], day: date, n: int, most: float = 1.5) -> None:
        seen.extend([color, kind, day, n, most])

    text = '{"color": "red", "kind": "b", "day": "2026-11-25", "n": "3"}'

    assert await call(take, TURN, text) == "null"
    assert seen == [Color.RED, "b", date(2026, 11, 25), 3, 1.5]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ("{", "no JSON object"),
        ("[1]", "no JSON object"),
        ('"a"', "no JSON object"),
        ("3", "no JSON object"),
        ([1], "no JSON object"),
        ("[" * 100_000, "no JSON object"),
        ('{"a": ' * 5000 + "1" + "}" * 5000, "no JSON object"),
        ('{"a": ' + "9" * 5000 + "}", "no JSON object"),
        ("{}", "a: Field required. b: Field required."),
        ('{"a": 1, "b": "1; DROP TABLE"}', "b: Input should be a valid integer"),
        ('{"a": 1, "b": [2]}', "b: Input should be a valid integer"),
        ('{"a": 1, "b": {"c": {"d": 2}}}', "b: Input should be a valid integer"),
        ('{"a": 1, "b": null}', "b: Input should be a valid integer"),
        ('{"a": 1, "b": NaN}', "b: Input should be a finite number"),
        ('{"a": 1, "b": 1.5}', "b: Input should be a valid integer"),
        ('{"a": 1, "b": 2, "turn": {}}', "turn: Extra inputs are not permitted."),
        ('{"a": 1, "b": 2, "self": 1}', "self: Extra inputs are not permitted."),
        ({"a": 1, "b": 2, 3: 4}, "Error: "),
    ],
)
async def test_arguments_that_do_not_fit_are_told(arguments: Any, part: str) -> None:
    told = await call(add, TURN, arguments)

    assert told.startswith("Error: ")
    assert part in told
    assert "DROP" not in told
    assert len(told) < 500


async def test_however_many_arguments_are_wrong_few_are_told() -> None:
    many = {f"x{number}" * 100: number for number in range(10_000)}

    assert len(await call(add, TURN, many)) < 1000


async def test_a_text_without_what_no_database_takes_reaches_the_function() -> None:
    broken = '{"a": "x\\u0000y\\ud800z", "b": {"\\ud800k": ["\\u0000"]}}'

    assert await call(echo, TURN, broken) == "xyz"
    assert await call(echo, TURN, {"a": {"k\0": ["\ud800v"]}}) == '{"k": ["v"]}'


async def test_no_argument_takes_the_place_of_the_turn() -> None:
    foreign = {"city": "Ulm", "turn": {"locale": "xx"}}

    assert await call(weather, TURN, foreign) == (
        "Error: These arguments do not fit. turn: Extra inputs are not permitted."
    )


# -- which tool ------------------------------------------------------------------------------------


async def test_a_tool_there_is_none_of_is_told_with_those_there_are() -> None:
    told = await call_tool("rm\n-rf", {}, TURN, [tool_of(add), tool_of(weather)])

    assert told == "Error: There is no tool “rm -rf”. There are: add, weather."
    assert await call_tool("x" * 10_000, {}, TURN, []) == (
        f"Error: There is no tool “{'x' * 39}…”. There are: none."
    )


async def test_the_tools_of_the_setting_are_called_where_no_others_are_given(settings: Any) -> None:
    settings.BOTFLOW_TOOLS = ["tests.conversations.tooling.add"]

    assert await call_tool("add", '{"a": 1, "b": 2}', TURN) == "3"


async def test_a_turn_of_a_schedule_is_refused_what_sets_up_schedules() -> None:
    called: list[str] = []

    @sets_up
    def plan() -> None:
        called.append("plan")

    told = await call(plan, replace(TURN, is_scheduled=True))

    assert "A schedule asks here" in told
    assert told.startswith("Error: ")
    assert called == []
    assert "There are: none" in await call_tool(
        "x", {}, replace(TURN, is_scheduled=True), [tool_of(plan)]
    )


# -- results ---------------------------------------------------------------------------------------


@dataclass
class Point:
    x: int
    at: date


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("as it is “is”", "as it is “is”"),
        (3, "3"),
        (None, "null"),
        ({"a": [1, "ä"]}, '{"a": [1, "ä"]}'),
        (Point(1, date(2026, 11, 25)), '{"x": 1, "at": "2026-11-25"}'),
        (Color.RED, '"red"'),
        (uuid.UUID(int=0), f'"{uuid.UUID(int=0)}"'),
        ("a\0b\ud800", "ab"),
        (["\ud800"], '[""]'),
    ],
)
async def test_a_result_is_text_or_json(value: Any, told: str) -> None:
    assert await call(returning(value), TURN) == told


async def test_a_result_too_long_is_cut_and_says_so() -> None:
    told = await call(returning("x" * 1_000_000), TURN)

    assert len(told) == 20_000
    assert told.endswith("… (cut: the rest is too long)")
    assert len(await call(returning("x" * 20_000), TURN)) == 20_000


async def test_a_plain_function_that_returns_a_coroutine_is_awaited() -> None:
    async def later() -> str:
        return "later"

    assert await call(lambda_of(later), TURN) == "later"


def lambda_of(function: Any) -> Callable[[], Any]:
    def give() -> Any:
        return function()

    return give


async def test_a_plain_function_runs_beside_the_event_loop_and_sees_the_turn() -> None:
    seen: list[Any] = []
    token = current_turn.set(TURN)

    def look() -> str:
        seen.append(current_turn.get())
        return threading.current_thread().name

    assert await call(look, TURN) == "tool"
    current_turn.reset(token)
    assert seen == [TURN]


# -- failures --------------------------------------------------------------------------------------


async def test_the_sentence_of_a_tool_error_is_told() -> None:
    for function in raising(ToolError("There is no such city.")):
        assert await call(function, TURN) == "Error: There is no such city."


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("secret-7351"),
        SystemExit("secret-7351"),
        TimeoutError("secret-7351"),
        asyncio.CancelledError("secret-7351"),
        ExceptionGroup("secret-7351", [ValueError("secret-7351")]),
    ],
)
async def test_any_other_failure_is_told_without_its_text_and_logged_once(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for function in raising(error):
        caplog.clear()

        assert await call(function, TURN) == FAILED

        [record] = caplog.records
        assert f"The tool {function.__name__} failed: " in record.getMessage()
        assert "test_tools_calling.py:" in record.getMessage()
        assert "secret-7351" not in caplog.text


async def test_an_exception_that_no_coroutine_may_raise_is_a_failure_too() -> None:
    for function in raising(StopIteration("secret-7351")):
        assert await call(function, TURN) == FAILED


async def test_a_result_that_is_no_json_is_a_failure_of_the_tool() -> None:
    circle: list[Any] = []
    circle.append(circle)

    assert await call(returning(circle), TURN) == FAILED
    assert await call(returning(b"\xff"), TURN) == FAILED


async def test_a_tool_that_takes_too_long_is_left(settings: Any) -> None:
    settings.BOTFLOW_TOOL_TIMEOUT = 0.1
    gate = threading.Event()

    async def sleep() -> None:
        await asyncio.sleep(60)

    def wait() -> None:
        gate.wait(60)

    try:
        assert await call(sleep, TURN) == LATE
        assert await call(wait, TURN) == LATE
    finally:
        gate.set()


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_cancelled_turn_leaves_its_tool_at_once(is_async: bool) -> None:
    gate, begun = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def sleep() -> None:
        begun.set()
        await asyncio.sleep(60)

    def wait() -> None:
        loop.call_soon_threadsafe(begun.set)
        gate.wait(60)

    calling = asyncio.create_task(call(sleep if is_async else wait, TURN))
    await begun.wait()
    calling.cancel()
    try:
        async with asyncio.timeout(5):
            with pytest.raises(asyncio.CancelledError):
                await calling
    finally:
        gate.set()


async def test_slow_tools_of_many_turns_do_not_wait_for_one_another() -> None:
    everyone = threading.Barrier(60, timeout=10)

    def meet() -> str:
        everyone.wait()
        return "met"

    assert await asyncio.gather(*[call(meet, TURN) for _ in range(60)]) == ["met"] * 60


async def test_a_validator_that_fails_is_a_failure_of_the_tool() -> None:
    def fail(value: Any) -> Any:
        raise TimeoutError

    async def checked(a: Annotated[int, BeforeValidator(fail)]) -> None: ...

    checked.__annotations__["a"] = Annotated[int, BeforeValidator(fail)]

    assert await call(checked, TURN, {"a": 1}) == FAILED
