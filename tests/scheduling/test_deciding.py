"""Deciding, a pure function: every occurrence is run, or skipped with a reason, exactly once."""

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scheduling.deciding import Decision, Misfire, Overlap, Policy, Trigger, decide, jitter
from scheduling.states import SkipReason
from scheduling.triggers import CronTrigger, IntervalTrigger, OnceTrigger

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
MOST_ROWS = 20

seconds = st.integers(0, 3 * 3600).map(lambda n: timedelta(seconds=n))
triggers = st.one_of(
    st.sampled_from(["* * * * *", "*/7 * * * * *", "0 9 * * *", "* 13 4 3 *", "59 59 23 * * *"])
    # The clocks go forward between noon and three hours later.
    .map(lambda expression: CronTrigger(expression, "Pacific/Chatham")),
    st.builds(
        lambda every, count: IntervalTrigger(every, NOON, NOON + count * every),
        st.integers(1, 2000).map(lambda n: timedelta(seconds=n)),
        st.integers(0, 3000),
    ),
    seconds.map(lambda offset: OnceTrigger(NOON + offset)),
)
policies = st.builds(
    Policy,
    misfire=st.sampled_from(Misfire),
    grace=st.sampled_from([0, 1, 60, 3600]).map(lambda n: timedelta(seconds=n)),
    jitter=st.sampled_from([0, 30]).map(lambda n: timedelta(seconds=n)),
    most_missed=st.integers(1, 30),
    overlap=st.sampled_from(Overlap),
    most_waiting=st.integers(1, 3),
    remaining=st.none() | st.integers(1, 5),
)


def all_between(trigger: Trigger, first: datetime, until: datetime) -> list[datetime]:
    found, moment = [], trigger.next_after(first - timedelta.resolution)
    while moment is not None and moment <= until:
        found.append(moment)
        moment = trigger.next_after(moment)
    return found


def decided(
    trigger: Trigger, policy: Policy, late: timedelta, delay: timedelta, unfinished: int = 0
) -> tuple[datetime, datetime, Decision]:
    """Return the first fire time from noon on, the moment it is noticed, what is decided then."""
    fire_at = trigger.next_after(NOON - timedelta.resolution)
    assert fire_at is not None
    due_at = fire_at + min(delay, policy.jitter)
    now = due_at + late
    decision = decide(
        trigger,
        policy,
        fire_at=fire_at,
        due_at=due_at,
        now=now,
        unfinished=unfinished,
        most_rows=MOST_ROWS,
    )
    return fire_at, now, decision


@given(triggers, policies, seconds, st.sampled_from([0, 7, 30]), st.integers(0, 5))
@settings(max_examples=400, deadline=None)
def test_every_occurrence_is_accounted_for_exactly_once(
    trigger: Trigger, policy: Policy, late: timedelta, delay: int, unfinished: int
) -> None:
    fire_at, now, decision = decided(trigger, policy, late, timedelta(seconds=delay), unfinished)

    spans = [skip for skip in decision.skipped if skip.until]
    single = decision.accepted + [skip.fire_at for skip in decision.skipped if not skip.until]
    covered = [m for span in spans for m in all_between(trigger, span.fire_at, span.until or now)]
    accounted = sorted(single + covered)
    assert accounted == all_between(trigger, fire_at, accounted[-1])
    assert len(accounted) == len(set(accounted))
    assert accounted[-1] <= now
    is_used_up = policy.remaining is not None and len(decision.accepted) == policy.remaining
    assert decision.following == (None if is_used_up else trigger.next_after(accounted[-1]))


@given(triggers, policies, seconds, st.integers(0, 5))
@settings(max_examples=300, deadline=None)
def test_the_misfire_policy_is_kept(
    trigger: Trigger, policy: Policy, late: timedelta, unfinished: int
) -> None:
    fire_at, now, decision = decided(trigger, policy, late, timedelta(), unfinished)

    is_late = now > fire_at + policy.grace
    missed = all_between(trigger, fire_at, now)
    if not is_late:
        assert decision.accepted in ([fire_at], [])
    elif policy.misfire == Misfire.RUN_ONCE:
        assert decision.accepted in ([missed[-1]], [])
    elif policy.misfire == Misfire.SKIP:
        assert decision.accepted == []
    else:
        assert decision.accepted == missed[-policy.most_missed :][: policy.remaining]
    assert policy.remaining is None or len(decision.accepted) <= policy.remaining


@given(triggers, policies, seconds)
@settings(max_examples=200, deadline=None)
def test_skip_leaves_what_is_within_its_grace_to_be_decided_about_in_turn(
    trigger: Trigger, policy: Policy, late: timedelta
) -> None:
    assume(policy.misfire == Misfire.SKIP)
    fire_at, now, decision = decided(trigger, policy, late, timedelta())

    assume(now > fire_at + policy.grace)
    for skip in decision.skipped:
        assert skip.reason == SkipReason.LATE
        assert (skip.until or skip.fire_at) < now - policy.grace
    if decision.following:
        assert decision.following >= now - policy.grace - policy.jitter


@pytest.mark.parametrize(
    ("overlap", "unfinished", "is_accepted"),
    [
        (Overlap.SKIP, 0, True),
        (Overlap.SKIP, 1, False),
        (Overlap.QUEUE, 3, True),
        (Overlap.QUEUE, 4, False),
        (Overlap.ALLOW, 1000, True),
    ],
)
def test_overlap_leaves_room_for_as_many_as_it_says(
    overlap: Overlap, unfinished: int, is_accepted: bool
) -> None:
    policy = Policy(overlap=overlap, most_waiting=3)

    _, _, decision = decided(CronTrigger("* * * * *"), policy, timedelta(), timedelta(), unfinished)

    assert bool(decision.accepted) == is_accepted
    assert [skip.reason for skip in decision.skipped] == [SkipReason.OVERLAP] * (not is_accepted)


@pytest.mark.parametrize("remaining", [0, -1])
def test_a_schedule_that_has_no_run_left_neither_runs_nor_goes_on(remaining: int) -> None:
    policy = Policy(remaining=remaining)

    _, _, decision = decided(CronTrigger("* * * * *"), policy, timedelta(), timedelta())

    assert decision == Decision([], [], None)


@pytest.mark.parametrize("misfire", list(Misfire))
@pytest.mark.parametrize("expression", ["* * * * * *", "* * * 1 *", "* * * * * 1", "0 0 29 2 *"])
def test_three_years_of_downtime_are_decided_about_at_once(
    misfire: Misfire, expression: str
) -> None:
    trigger = CronTrigger(expression, "America/New_York")
    policy = Policy(misfire=misfire, most_missed=1000)
    fire_at = trigger.next_after(NOON - timedelta(days=3 * 365))
    assert fire_at is not None

    began = time.process_time()
    decision = decide(
        trigger,
        policy,
        fire_at=fire_at,
        due_at=fire_at,
        now=NOON,
        unfinished=0,
        most_rows=500,
    )
    took = time.process_time() - began

    assert took < 1  # every minute looked at takes ten times that
    rows = decision.accepted + [skip.until or skip.fire_at for skip in decision.skipped]
    late_by = policy.grace + timedelta.resolution if misfire == Misfire.SKIP else timedelta()
    assert max(rows) == trigger.latest(NOON - late_by)


def test_intervals_of_a_microsecond_come_to_an_end_too() -> None:
    trigger = IntervalTrigger(timedelta.resolution, NOON)
    policy = Policy(misfire=Misfire.RUN_ALL, most_missed=MOST_ROWS)

    _, now, decision = decided(trigger, policy, timedelta(days=365), timedelta())

    assert decision.accepted == [now - k * timedelta.resolution for k in range(MOST_ROWS)][::-1]
    assert decision.skipped[0].until == decision.accepted[0] - timedelta.resolution


# -- jitter ----------------------------------------------------------------------------------------

gaps = st.none() | st.integers(1, 10**9).map(lambda n: timedelta(microseconds=n))


@given(st.integers(1, 2**40), seconds, seconds, gaps)
def test_jitter_is_within_its_bounds_and_short_of_the_next_occurrence(
    schedule: int, offset: timedelta, most: timedelta, gap: timedelta | None
) -> None:
    delay = jitter(schedule, NOON + offset, most, gap)

    assert timedelta() <= delay <= most
    assert gap is None or delay < gap
    assert delay == jitter(schedule, NOON + offset, most, gap)


def test_jitter_spreads_both_schedules_and_occurrences() -> None:
    hour = timedelta(hours=1)

    of_schedules = sorted(jitter(n, NOON, hour, None) for n in range(1000))
    of_occurrences = {jitter(1, NOON + n * hour, hour, None) for n in range(1000)}

    assert max(b - a for a, b in pairwise(of_schedules)) < timedelta(minutes=1)
    assert len(of_occurrences) == 1000
