"""The list of schedules says how each one does, in as many queries for many as for one."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scheduling import planning
from scheduling.models import Run, Schedule
from tests.admin.schedule_parts import SCHEDULES, add_runs, make, register

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 }}"


@pytest.fixture(autouse=True)
def known_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def shown(client: Client, query: str = "") -> list[str]:
    page = client.get(SCHEDULES + query)
    assert page.status_code == 200
    return [row.name for row in page.context["cl"].result_list]


def test_a_row_says_state_words_and_next_time_in_its_zone(admin_client: Client) -> None:
    schedule = make(name="digest", kind="once", at=datetime(2099, 3, 4, 1, 30, tzinfo=UTC))

    page = admin_client.get(SCHEDULES)

    assert "Enabled" in page.text
    assert "Once, on 4 March 2099 at 09:30 (Asia/Shanghai)" in page.text
    assert "2099-03-04 09:30:00" in page.text
    assert f'href="{SCHEDULES}{schedule.pk}/change/"' in page.text


def test_a_paused_row_says_why_and_by_whom(admin_client: Client) -> None:
    planning.pause(make(), now=timezone.now(), by="ada", reason="on holiday")

    page = admin_client.get(SCHEDULES)

    assert 'title="ada: on holiday"' in page.text


def test_a_row_shows_its_last_result_and_a_bar_for_each_run(admin_client: Client) -> None:
    schedule = make()
    add_runs(schedule, 30)
    add_runs(schedule, 1, "failed", fire_at=timezone.now(), error="out of order")

    page = admin_client.get(SCHEDULES)

    bars = re.findall(r'<g class="is-(\w+)"><title>([^<]+)', page.text)
    assert [state for state, _ in bars] == ["succeeded"] * 19 + ["failed"]
    assert bars[0][1].endswith("12 ms late · took 2.0 s")
    assert "The last 20 runs: 19 Succeeded, 1 Failed" in page.text
    assert 'class="botflow-last is-failed"' in page.text


def test_bars_tell_states_and_lateness_apart_without_color(admin_client: Client) -> None:
    schedule = make()
    now = timezone.now()
    for seconds in (0.01, 0.5, 5, 30, 300):
        fire_at = now - timedelta(hours=1, seconds=seconds)
        add_runs(schedule, 1, fire_at=fire_at, started_at=fire_at + timedelta(seconds=seconds))
    add_runs(schedule, 1, "failed", fire_at=now)

    page = admin_client.get(SCHEDULES).text

    bars = re.findall(r'<g class="is-\w+">.*?</g>', page)
    heights = {re.findall(r'height="(\d+)" rx', bar)[0] for bar in bars}
    assert len(heights) == 5
    assert [bar for bar in bars if "<circle" in bar] == [bar for bar in bars if "is-failed" in bar]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?state=enabled", ["b", "a"]),
        ("?state=paused", ["c"]),
        ("?state=finished", ["d"]),
        ("?kind__exact=interval", ["b"]),
        ("?action=tests.optional", ["b"]),
        ("?owned=yes", ["a"]),
        ("?owned=no", ["d", "c", "b"]),
        ("?misfire__exact=skip", ["b"]),
        ("?overlap__exact=allow", ["b"]),
        ("?q=visitor", ["a"]),
        ("?q=optional", ["b"]),
        ("?q=C", ["c"]),
        ("?p=9", []),
    ],
)
def test_filters_and_search_find_what_they_name(
    admin_client: Client, query: str, names: list[str]
) -> None:
    make(name="a", owner="visitor:1", number=1)
    policies = {"misfire": "skip", "overlap": "allow"}
    make(name="b", kind="interval", every=timedelta(1), action="tests.optional", **policies)
    planning.pause(make(name="c"), now=timezone.now())
    ended = make(name="d")
    Schedule.objects.filter(pk=ended.pk).update(enabled=False, finished_at=timezone.now())

    assert shown(admin_client, query) == names


def count_queries(client: Client, page: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(page).status_code == 200
    return len(queries)


@pytest.mark.parametrize("page", ["", "timeline/", "{pk}/change/", "{pk}/runs/"])
def test_more_rows_and_runs_need_no_more_queries(
    admin_client: Client, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The database's own clock is asked for anew every few seconds.
    monkeypatch.setattr("scheduling.clock.now", timezone.now)
    schedule = make()
    add_runs(schedule, 2)
    address = SCHEDULES + page.format(pk=schedule.pk)
    count_queries(admin_client, address)
    few = count_queries(admin_client, address)
    for number in range(40):
        add_runs(make(name=f"n{number}"), 25)

    assert count_queries(admin_client, address) == few
    assert few <= 20


def test_schedules_are_not_counted_and_only_a_page_is_read(admin_client: Client) -> None:
    for number in range(60):
        make(name=f"n{number}")

    with CaptureQueriesContext(connection) as queries:
        names = shown(admin_client)

    read = [q["sql"] for q in queries if 'FROM "scheduling_schedule"' in q["sql"]]
    assert [sql for sql in read if "COUNT(" in sql] == []
    assert len(names) == 50
    assert shown(admin_client, "?p=2") == [f"n{number}" for number in range(9, -1, -1)]


# -- rows edited by hand ---------------------------------------------------------------------------


def damage(schedule: Schedule, column: str, value: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = 1")
        cursor.execute(
            f"UPDATE scheduling_schedule SET {column} = %s WHERE id = %s", [value, schedule.pk]
        )
        cursor.execute("PRAGMA ignore_check_constraints = 0")


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL keeps such values out")
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("args", "{broken"),
        ("every", "soon"),
        ("start_at", "2026-99-99 00:00:00"),
        ("expression", "<b>nonsense</b>"),
        ("timezone", "Mars/Olympus"),
        ("kind", "sometimes"),
    ],
)
@pytest.mark.parametrize("page", ["", "timeline/", "{pk}/runs/", "{pk}/change/"])
def test_a_row_edited_by_hand_breaks_no_page(
    admin_client: Client, column: str, value: str, page: str
) -> None:
    sound, broken = make(name="sound"), make(name="broken")
    add_runs(broken, 2)
    damage(broken, column, value)

    response = admin_client.get(SCHEDULES + page.format(pk=broken.pk), follow=True)

    assert response.status_code == 200
    assert "<b>nonsense</b>" not in response.text
    assert shown(admin_client) == ["broken", "sound"]
    assert sound.next_run


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL keeps such values out")
def test_a_row_that_cannot_be_read_says_so(admin_client: Client) -> None:
    damage(make(), "every", "soon")

    assert "row cannot be read" in admin_client.get(SCHEDULES).text


def test_an_expression_edited_by_hand_is_shown_with_its_error(admin_client: Client) -> None:
    Schedule.objects.filter(pk=make().pk).update(expression="61 * * * *")

    page = admin_client.get(SCHEDULES).text

    assert re.search(r'botflow-error">[^<]*61', page)


# -- what strangers wrote --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page", ["", "{pk}/change/", "{pk}/runs/", "{pk}/pause/", "{pk}/delete/", "timeline/"]
)
def test_markup_of_strangers_is_escaped(admin_client: Client, page: str) -> None:
    schedule = make(name=EVIL, owner=EVIL)
    add_runs(schedule, 3, "failed", error=EVIL, requested_by=EVIL, title=EVIL)
    paused = {"paused_reason": EVIL, "paused_by": EVIL, "enabled": False}
    Schedule.objects.update(**paused | {"action": EVIL[:99], "args": {EVIL: EVIL}})
    Run.objects.filter(schedule=schedule).update(result={"messages": [EVIL]})

    response = admin_client.get(SCHEDULES + page.format(pk=schedule.pk))

    assert response.status_code == 200
    for piece in ("<script>alert(", "<img src=x"):
        assert piece not in response.text
