"""The first page of the admin shows how the site does."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django_q.signing import SignedPackage

from botflow_site.admin_dashboard import failed_lately, percentile
from conversations.models import Conversation
from scheduling.models import ClusterStatus
from tests.admin.conftest import MakeRun


def cards(client: Client) -> dict[str, dict[str, Any]]:
    return {card["title"]: card for card in client.get("/admin/").context["cards"]}


def test_the_cards_count_what_there_is(
    admin_client: Client, conversation: Conversation, cluster: ClusterStatus, make_run: MakeRun
) -> None:
    now = timezone.now()
    make_run(fire_at=now - timedelta(minutes=2))
    make_run(fire_at=now + timedelta(days=1))
    make_run("running")

    shown = cards(admin_client)

    assert shown["Clusters alive"]["value"] == 1
    assert shown["Runs waiting"]["value"] == 2
    assert shown["Oldest due run waits"]["value"].startswith("2 min")
    assert shown["Oldest due run waits"]["is_bad"]
    assert shown["Messages today"]["value"] == 2


def test_a_silent_cluster_does_not_count(admin_client: Client, cluster: ClusterStatus) -> None:
    ClusterStatus.objects.update(seen_at=timezone.now() - timedelta(minutes=1))

    assert cards(admin_client)["Clusters alive"]["is_bad"]


def test_lateness_is_that_of_the_last_hour(admin_client: Client, make_run: MakeRun) -> None:
    now = timezone.now()
    for milliseconds in (10, 20, 30):
        started = now - timedelta(minutes=5)
        fire_at = started - timedelta(milliseconds=milliseconds)
        make_run("succeeded", fire_at=fire_at, started_at=started, finished_at=started)
    long_ago = now - timedelta(hours=2)
    make_run("succeeded", fire_at=long_ago, started_at=now, finished_at=long_ago)

    card = cards(admin_client)["Lateness, last hour"]

    assert card["value"] == "20 ms"
    assert card["note"] == "median; 99th percentile: 30 ms"


def test_outcomes_are_those_of_the_last_day(admin_client: Client, make_run: MakeRun) -> None:
    for state in ("succeeded", "succeeded", "succeeded", "failed"):
        make_run(state)
    make_run("failed", finished_at=timezone.now() - timedelta(days=2))

    outcomes = admin_client.get("/admin/").context["outcomes"]

    assert [(o["state"], o["number"], o["percent"]) for o in outcomes[:2]] == [
        ("succeeded", 3, 75),
        ("failed", 1, 25),
    ]


@pytest.mark.parametrize(("failures", "badge"), [(0, ""), (3, "3"), (120, "99+")])
def test_the_badge_says_how_many_runs_failed(make_run: MakeRun, failures: int, badge: str) -> None:
    for _ in range(failures):
        make_run("failed")

    assert failed_lately() == badge


@pytest.mark.parametrize(("hundredths", "expected"), [(50, 50), (99, 99), (1, 1), (100, 100)])
def test_a_percentile_is_a_value_that_occurred(hundredths: int, expected: int) -> None:
    spans = [timedelta(seconds=number) for number in range(1, 101)]

    assert percentile(spans, hundredths).total_seconds() == expected


def test_a_cluster_shows_its_processes(admin_client: Client, cluster: ClusterStatus) -> None:
    said = FakeStat()
    ClusterStatus.objects.update(status=SignedPackage.dumps(said, True))

    page = admin_client.get("/admin/scheduling/clusterstatus/")

    assert "main 11, sentinel 12, pusher 13, workers 14, 15" in page.text
    assert "machine-7" in page.text


class FakeStat:
    """What a cluster says of itself, as far as the page reads it."""

    def __init__(self) -> None:
        self.pid, self.sentinel, self.pusher, self.workers = 11, 12, 13, [14, 15]
        self.host, self.reincarnations, self.tob = "machine-7", 0, timezone.now()
