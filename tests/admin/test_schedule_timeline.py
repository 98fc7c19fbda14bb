"""The timeline draws a day back and a day ahead, whatever is stored, with few elements."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from scheduling.admin_timeline_drawing import Scale, ahead_marks, past_marks
from scheduling.admin_timeline_rows import Bucket, fire_times
from scheduling.models import Run
from tests.admin.schedule_parts import SCHEDULES, add_runs, make, register

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
SCALE = Scale(NOW - timedelta(days=1), NOW + timedelta(days=1))
QUARTER = timedelta(minutes=15)


@pytest.fixture(autouse=True)
def known_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def test_a_single_run_stands_at_its_time() -> None:
    fire_at = NOW - timedelta(hours=12)

    (mark,) = past_marks([Bucket(fire_at, fire_at, {"failed": 1})], SCALE)

    assert (mark["x"], mark["state"], mark["is_bar"]) == (25.0, "failed", False)
    assert mark["text"] == "00:00 · Failed"


def test_a_schedule_of_every_second_is_one_bar() -> None:
    start = NOW - timedelta(hours=12)
    buckets = [Bucket(start + n * QUARTER, start, {"succeeded": 900}) for n in range(48)]

    (mark,) = past_marks(buckets, SCALE)

    assert (mark["x"], mark["width"]) == (25.0, 25.0)
    assert mark["text"] == "00:00–12:00 · 43200 Succeeded"


def test_failures_among_many_are_marked_upon_the_bar() -> None:
    start = NOW - timedelta(hours=12)

    bar, mark = past_marks([Bucket(start, start, {"succeeded": 899, "failed": 1})], SCALE)

    assert (bar["state"], mark["state"]) == ("succeeded", "failed")
    assert "1 Failed" in mark["text"]


def test_fire_times_that_are_many_are_drawn_as_a_density(db: None) -> None:
    schedule = make(expression="* * * * * *", timezone="UTC")

    ahead = fire_times(schedule, now=NOW, until=SCALE.end)

    (mark,) = ahead_marks(ahead, SCALE)
    assert (mark["x"], mark["width"]) == (50.0, 50.0)
    assert "about 900 in a quarter of an hour" in mark["text"]


def test_the_hours_in_which_nothing_fires_stay_empty(db: None) -> None:
    schedule = make(expression="* 14-15,20 * * *", timezone="UTC")

    marks = ahead_marks(fire_times(schedule, now=NOW, until=SCALE.end), SCALE)

    spans = [(mark["text"].split(":")[0], round(mark["width"] * 48 / 100, 2)) for mark in marks]
    assert spans == [("14", 2.0), ("20", 1.0)]


def test_few_fire_times_are_drawn_one_by_one(db: None) -> None:
    schedule = make(expression="0 */6 * * *", timezone="UTC")

    marks = ahead_marks(fire_times(schedule, now=NOW, until=SCALE.end), SCALE)

    assert [mark["x"] for mark in marks] == [62.5, 75.0, 87.5, 100.0]


def test_no_more_is_drawn_than_the_schedule_may_still_run(db: None) -> None:
    schedule = make(expression="0 * * * *", max_runs=3)

    assert len(fire_times(schedule, now=NOW, until=SCALE.end).moments) == 3


def test_the_page_shows_runs_and_fire_times(admin_client: Client) -> None:
    schedule = make(expression="0 * * * *")
    add_runs(schedule, 1, "failed")

    page = admin_client.get(SCHEDULES + "timeline/").text

    assert "digest" in page
    assert len(re.findall(r'href="#mark-next" x', page)) == 24
    assert len(re.findall(r'href="#mark-failed" x', page)) == 1
    assert "1 run, 1 failed, next at" in page


def test_a_busy_day_stays_a_small_page(admin_client: Client) -> None:
    now = timezone.now()
    schedules = [make(name=f"n{n}", expression="* * * * * *") for n in range(3)]
    Run.objects.bulk_create(
        Run(
            schedule=schedule,
            action="tests.nothing",
            fire_at=now - timedelta(seconds=20 * n + 5),
            finished_at=now,
            state="succeeded",
        )
        for schedule in schedules
        for n in range(4000)
    )

    page = admin_client.get(SCHEDULES + "timeline/")

    assert page.status_code == 200
    assert len(page.content) < 120_000


def test_more_schedules_than_there_is_room_for_are_named(admin_client: Client) -> None:
    for number in range(105):
        make(name=f"n{number}")

    page = admin_client.get(SCHEDULES + "timeline/")

    assert len(page.context["rows"]) == 100
    assert "Only 100 schedules are drawn" in page.text


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("Europe/Berlin", "Europe/Berlin"), ("<script>", "UTC"), ("../etc", "UTC"), ("", "UTC")],
)
def test_the_clock_is_the_one_that_was_asked_for(
    admin_client: Client, asked: str, shown: str
) -> None:
    page = admin_client.get(SCHEDULES + "timeline/", {"zone": asked})

    assert f"Times are on the clock of {shown}." in page.text


def test_nothing_to_draw_is_said(admin_client: Client) -> None:
    assert "Nothing ran in the last day" in admin_client.get(SCHEDULES + "timeline/").text


def test_the_first_page_names_the_next_occurrences(admin_client: Client) -> None:
    make(name="later", kind="once", at=timezone.now() + timedelta(days=2))
    make(name="sooner", kind="once", at=timezone.now() + timedelta(days=1))

    upcoming = admin_client.get("/admin/").context["upcoming"]

    assert [each["name"] for each in upcoming] == ["sooner", "later"]
