"""The books of the fault tests notice what they are kept for: lost, doubled and invented times."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.faults import rows
from tests.faults.occurrences import Books, Occurrence, Plan, check_accounts, check_ends, keep_books
from tests.harness.site import Site

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
PLAN = Plan(1, {"kind": "interval", "every": 1}, NOON, NOON + timedelta(seconds=4))


def occurrence(second: float, *, until: float = 0, reason: str = "") -> Occurrence:
    fire_at = NOON + timedelta(seconds=second)
    last = NOON + timedelta(seconds=until) if until else None
    state = "skipped" if reason else "succeeded"
    return Occurrence(int(second), 1, fire_at, state, reason, 1, last, NOON, None, None)


def test_whatever_ran_or_was_skipped_counts_once() -> None:
    late = occurrence(1, until=3, reason="late")

    check_accounts(PLAN, [occurrence(0), late, occurrence(4)])


@pytest.mark.parametrize(
    ("seconds", "complaint"),
    [
        ([0, 1, 3, 4], "1 lost"),
        ([0, 1, 2, 3], "1 lost"),
        ([0, 1, 2, 3, 4, 4], "1 doubled"),
        ([0, 1, 2, 3, 4, 5], "1 doubled or made up"),
        ([0, 1, 2, 2.5, 3, 4], "1 doubled or made up"),
    ],
)
def test_what_is_wrong_is_noticed(seconds: list[float], complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        check_accounts(PLAN, [occurrence(second) for second in seconds])


def test_what_was_skipped_together_must_not_have_run() -> None:
    late = occurrence(1, until=3, reason="late")

    with pytest.raises(AssertionError, match="doubled"):
        check_accounts(PLAN, [occurrence(0), late, occurrence(2), occurrence(4)])


def test_a_skip_without_a_reason_is_noticed() -> None:
    silent = Occurrence(0, 1, NOON, "skipped", "", 0, None, NOON, None, None)

    with pytest.raises(AssertionError):
        check_accounts(PLAN, [silent, *map(occurrence, [1, 2, 3, 4])])


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as one:
        keep_books(one)
        yield one


RUN = """
from scheduling.actions import submit
from scheduling.models import Run
run = submit("ticks.tick")
for state in arguments:
    Run.objects.filter(pk=run.pk).update(state=state, lease_expires_at=run.fire_at)
"""


@pytest.mark.parametrize("ends", [1, 2])
def test_the_database_notes_each_end(site: Site, ends: int) -> None:
    site.run(RUN, *["running", "succeeded"] * ends)

    assert rows.query(site, "SELECT run, state FROM tick_end") == [(1, "succeeded")] * ends
    books = Books()
    books.of[1].append(occurrence(1))
    if ends == 1:
        check_ends(site, books)
    else:
        with pytest.raises(AssertionError, match="more than once"):
            check_ends(site, books)
