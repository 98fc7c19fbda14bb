"""Cron triggers fire when the collected cases say, which several programs agree on."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from scheduling.triggers import NICKNAMES, CronTrigger, InvalidTrigger, Trigger, parse_fields
from tests.scheduling.triggers.samples import SAMPLES, moments


def following(trigger: Trigger, moment: datetime, count: int) -> list[datetime | None]:
    found: list[datetime | None] = []
    after: datetime | None = moment
    while len(found) < count and after is not None:
        after = trigger.next_after(after)
        found.append(after)
    return found


@pytest.mark.parametrize("case", SAMPLES["cases"], ids=lambda case: f"{case['id']} {case['expr']}")
def test_a_case_fires_when_expected(case: dict[str, Any]) -> None:
    trigger = CronTrigger(case["expr"], case["tz"])

    found = following(trigger, datetime.fromisoformat(case["start"]), case["n"])

    assert found == moments(case["expect_utc"])
    assert all(fire is not None and fire.tzinfo is UTC for fire in found)


@pytest.mark.parametrize("case", SAMPLES["cases"], ids=lambda case: f"{case['id']} {case['expr']}")
def test_the_latest_before_each_fire_of_a_case_is_the_one_before(case: dict[str, Any]) -> None:
    trigger = CronTrigger(case["expr"], case["tz"])
    fires = moments(case["expect_utc"])

    assert [trigger.latest(fire) for fire in fires] == fires
    for earlier, later in pairwise(fires):
        assert trigger.latest(earlier + (later - earlier) / 2) == earlier


@pytest.mark.parametrize("expression", SAMPLES["reject"])
def test_an_expression_of_the_sample_is_refused(expression: str) -> None:
    with pytest.raises(InvalidTrigger) as refused:
        CronTrigger(expression)

    assert refused.value.code != "never_fires"


@pytest.mark.parametrize("expression", [*SAMPLES["never_fires"], "* * */20 * 1L", "0 0 31 4,6 *"])
def test_an_expression_that_never_fires_is_refused(expression: str) -> None:
    with pytest.raises(InvalidTrigger) as refused:
        CronTrigger(expression)

    assert refused.value.code == "never_fires"


def test_the_nicknames_are_those_of_cron() -> None:
    assert SAMPLES["nicknames"] == NICKNAMES


@pytest.mark.parametrize(("nickname", "expression"), SAMPLES["nicknames"].items())
def test_a_nickname_stands_for_its_fields(nickname: str, expression: str) -> None:
    assert parse_fields(nickname) == parse_fields(f" {nickname.upper()} ")
    assert parse_fields(nickname) == ("0", *expression.split())


@pytest.mark.parametrize(
    ("expression", "fields"),
    [
        ("*/15 * * * * *", ("*/15", "*", "*", "*", "*", "*")),
        (" 0\t9  * * mon-fri\n", ("0", "0", "9", "*", "*", "MON-FRI")),
    ],
)
def test_fields_are_six_with_the_second_first(expression: str, fields: tuple[str, ...]) -> None:
    assert parse_fields(expression) == fields


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        # A fifth Monday in February: a leap year that begins on the right weekday.
        ("0 0 * 2 MON#5", "2016-03-01", "2044-02-29"),
        ("0 0 * 2 MON#5", "2072-03-01", "2112-02-29"),
        ("0 0 29 2 *", "2096-03-01", "2104-02-29"),
        ("0 0 LW * *", "2026-05-01", "2026-05-29"),
        ("0 0 L 2 *", "2027-03-01", "2028-02-29"),
        ("0 0 * * 7", "2026-11-20", "2026-11-22"),
        ("0 0 * * 0#4", "2026-11-20", "2026-11-22"),
        ("0 0 13 * FRI", "2026-11-12", "2026-11-13"),
        ("0 0 13 * FRI", "2026-11-13", "2026-11-20"),
        ("0 0 */13 * FRI", "2026-11-13", "2026-11-27"),
        ("0 0 5-5/2 * *", "2026-11-05", "2026-12-05"),
        ("0 0 05-5/2 * *", "2026-11-05", "2026-12-05"),
        ("0 0 1 1-12/99 *", "2026-02-01", "2027-01-01"),
    ],
)
def test_a_day_far_away_or_oddly_put_is_found(expression: str, after: str, expected: str) -> None:
    trigger = CronTrigger(expression)

    found = trigger.next_after(datetime.fromisoformat(after).replace(tzinfo=UTC))

    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)
