"""Usage: tokens are added up by conversation and by the site's day, whoever charges at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone

from conversations.budgets import Charge, charge, day_of, end_of_day, tokens_today
from conversations.models import Conversation, Usage
from scheduling.writing import writing

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def rows() -> list[tuple[Any, ...]]:
    fields = ("day", "conversation_id", "turns", "input_tokens", "output_tokens")
    return list(Usage.objects.order_by("day", "conversation_id").values_list(*fields))


@pytest.mark.django_db
def test_charges_of_a_day_add_up_in_one_row_of_a_conversation() -> None:
    charge([Charge(1, 1, 10, 5, NOW), Charge(2, 1, 7, 0, NOW), Charge(1, 1, 1, 2, NOW)])
    charge([Charge(1, 0, 100, 50, NOW), Charge(1, 1, 3, 3, NOW + timedelta(days=1))])

    assert rows() == [
        (date(2026, 3, 4), 1, 2, 111, 57),
        (date(2026, 3, 4), 2, 1, 7, 0),
        (date(2026, 3, 5), 1, 1, 3, 3),
    ]


@pytest.mark.django_db
def test_charges_cost_one_query_and_none_cost_none(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        charge([Charge(number % 50, 1, 10, 5, NOW) for number in range(200)])
    with django_assert_num_queries(0):
        charge([])

    assert Usage.objects.count() == 50


@pytest.mark.django_db
def test_a_number_below_zero_takes_nothing_back() -> None:
    charge([Charge(1, 1, 10, 5, NOW), Charge(1, 1, -100, -1, NOW)])

    assert rows() == [(date(2026, 3, 4), 1, 2, 10, 5)]


@pytest.mark.django_db
def test_more_tokens_than_fit_into_32_bits_are_counted() -> None:
    for _ in range(3):
        charge([Charge(1, 1, 2**31, 2**31, NOW)])

    assert tokens_today(now=NOW).total == 6 * 2**31


@pytest.mark.django_db
def test_a_conversation_that_is_deleted_leaves_its_usage() -> None:
    conversation = Conversation.objects.create(channel="web", address="a")
    charge([Charge(conversation.pk, 1, 10, 5, NOW)])

    conversation.delete()

    assert tokens_today(now=NOW).total == 15


def test_transactions_that_charge_the_same_rows_at_once_lose_nothing(
    transactional_db: None,
) -> None:
    together = threading.Barrier(3, timeout=10)

    def work(order: int) -> None:
        together.wait()
        try:
            for _ in range(10):
                with writing():
                    charge([Charge(pk, 1, 10, 1, NOW) for pk in (1, 2, 3)[::order]])
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(work, order) for order in (1, -1, 1)]:
            future.result()

    assert rows() == [(date(2026, 3, 4), pk, 30, 300, 30) for pk in (1, 2, 3)]


# -- days ------------------------------------------------------------------------------------------


@pytest.fixture
def in_zone(settings: Any) -> Iterator[Any]:
    """Return a function that sets the site's zone, which no activated one may replace."""

    def use(name: str) -> None:
        settings.TIME_ZONE = name
        timezone.activate(ZoneInfo("Pacific/Kiritimati"))

    yield use
    timezone.deactivate()


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("UTC", "2026-03-04T23:59:59.999999", "2026-03-04"),
        ("UTC", "2026-03-05T00:00:00", "2026-03-05"),
        ("Asia/Shanghai", "2026-03-04T15:59:59.999999", "2026-03-04"),
        ("Asia/Shanghai", "2026-03-04T16:00:00", "2026-03-05"),
        ("Europe/Berlin", "2026-03-29T21:59:59", "2026-03-29"),
        ("Europe/Berlin", "2026-03-29T22:00:00", "2026-03-30"),
        ("Europe/Berlin", "2026-10-25T21:59:59", "2026-10-25"),
        ("Europe/Berlin", "2026-10-25T23:00:00", "2026-10-26"),
        ("America/New_York", "2026-03-08T04:59:59", "2026-03-07"),
        ("America/New_York", "2026-03-09T04:00:00", "2026-03-09"),
    ],
)
def test_a_day_is_one_of_the_sites_zone(in_zone: Any, zone: str, moment: str, day: str) -> None:
    in_zone(zone)

    assert day_of(datetime.fromisoformat(f"{moment}+00:00")) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("UTC", "2026-12-31"),
        ("Asia/Shanghai", "2026-03-04"),
        ("Europe/Berlin", "2026-03-29"),
        ("Europe/Berlin", "2026-10-25"),
        ("Africa/Cairo", "2024-04-25"),  # the next day begins at 1:00
        ("America/Havana", "2025-11-01"),  # the next day has two midnights
        ("America/Santiago", "2025-09-06"),  # the next day begins at 1:00
    ],
)
def test_the_next_day_begins_where_this_one_ends(in_zone: Any, zone: str, day: str) -> None:
    in_zone(zone)
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo(zone))

    end = end_of_day(noon).astimezone(UTC)

    assert day_of(end) == date.fromisoformat(day) + timedelta(days=1)
    assert day_of(end - timedelta(microseconds=1)) == date.fromisoformat(day)


@pytest.mark.django_db
def test_what_was_used_before_midnight_is_not_of_today(in_zone: Any) -> None:
    in_zone("Asia/Shanghai")
    midnight = datetime(2026, 3, 4, 16, 0, tzinfo=UTC)

    charge([Charge(1, 1, 10, 5, midnight - timedelta(seconds=1)), Charge(1, 1, 3, 2, midnight)])

    assert tokens_today(now=midnight).total == 5
    assert tokens_today(now=midnight - timedelta(hours=23)).total == 15
    assert tokens_today(now=midnight, conversation=2).total == 0
