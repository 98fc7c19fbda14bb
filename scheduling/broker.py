"""The django-q2 broker whose queue is the Run table: claims what is due, or sleeps until then."""

from __future__ import annotations

import logging
import time
import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django_q.brokers import Broker
from django_q.signing import SignedPackage

from scheduling import claiming, clock, noticing, wakeup
from scheduling.actions import submit
from scheduling.ending import rescue, take_back_claims
from scheduling.models import ClusterStatus, Run
from scheduling.processes import identity
from scheduling.reconciling import Reconciler
from scheduling.retention import prune

logger = logging.getLogger(__name__)

# Seconds: the longest sleep, so that a stepped clock or a missed bell costs no more than this.
LONGEST_SLEEP = 1.0
RESCUE_EVERY = 1.0
PRUNE_EVERY = 3600.0
RECONCILE_EVERY = 5.0
# Seconds of reconciling at a time, and of pause in between while there is something to repair.
RECONCILE_FOR, RECONCILE_PAUSE = 0.01, 0.04
STATUS_EVERY = 2.0
#: A cluster that has said nothing for this long does not count as alive.
STATUS_LIFE = timedelta(seconds=15)


class FireTimeBroker(Broker):
    """Hands django-q2's pusher the due runs, nearest fire time first.

    A run that was handed out is claimed: state running, with a lease. Whoever works on it renews
    the lease and records its end on the row; acknowledging is therefore nothing to the broker.
    """

    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key)
        # Set by the cluster that the broker works for; one of its own when used alone.
        self.cluster = uuid.uuid4().hex
        self.capacity: int = settings.BOTFLOW_WORKERS * settings.BOTFLOW_CONCURRENCY
        #: Set by the cluster that lost a worker, with whatever it held and had not begun.
        self.claims_are_lost = False
        self._bell: wakeup.SQLiteBell | wakeup.PostgresBell | None = None
        self._rescued_at = self._pruned_at = self._said_at = self._reconciled_at = float("-inf")
        self._reconciler = Reconciler()

    def dequeue(self) -> list[tuple[int, str]]:
        """Return (run id, signed task) of what is due, in order, or [] after a sleep of <= 1 s.

        Never raises for a database that is away: the pusher would stall for 10 s and die.
        """
        try:
            self._maintain()
            claims = self._take()
            if claims is None:
                self._sleep()
                claims = self._take()
        except (DatabaseError, InterfaceError, OSError) as error:
            logger.warning("The queue cannot be read; trying again. %s", error)
            self._forget_connections()
            # The workers could not renew their leases either: let them do so first.
            self._rescued_at = time.monotonic() + settings.BOTFLOW_LEASE / 2
            time.sleep(0.2)
            return []
        return [(claim.run, SignedPackage.dumps(as_task(claim))) for claim in claims or []]

    def _take(self) -> list[claiming.Claim] | None:
        """Notice and claim what is due; None when there is nothing to do but to wait.

        With nothing due nothing is written, and no lock taken.
        """
        now = clock.now()
        due = claiming.first_due(now=now)
        noticed = noticing.notice(now=now) if due.is_occurrence else 0
        # What is due may be in another's hands, or have to wait for its key or for room.
        claims = self._claim() if noticed or due.is_run else []
        return claims if noticed or claims else None

    def _claim(self) -> list[claiming.Claim]:
        return claiming.claim(
            now=clock.now(),
            cluster=self.cluster,
            worker=identity(),
            capacity=self.capacity,
            lease=timedelta(seconds=settings.BOTFLOW_LEASE),
        )

    def _sleep(self) -> None:
        if self._bell is None:
            # Made before looking, so that nothing that comes after the look goes unheard.
            self._bell = wakeup.make_bell()
            return
        seconds = self._seconds_left()
        if self._reconciler.is_pressed and seconds > RECONCILE_FOR:
            self._reconcile()
            seconds = min(self._seconds_left(), RECONCILE_PAUSE)
        self._bell.wait(seconds)

    def _seconds_left(self) -> float:
        """Return the seconds until something is due, as many as may be slept at once."""
        now = clock.now()
        nearest = claiming.nearest_due_at(now=now)
        seconds = (nearest - now).total_seconds() if nearest else LONGEST_SLEEP
        return min(max(seconds, 0.0), LONGEST_SLEEP)

    def _maintain(self) -> None:
        moment = time.monotonic()
        if self.claims_are_lost:
            take_back_claims(identity())
            self.claims_are_lost = False
        if moment - self._rescued_at >= RESCUE_EVERY:
            self._rescued_at = moment
            rescue(now=clock.now())
        if moment - self._pruned_at >= PRUNE_EVERY:
            self._pruned_at = moment
            prune(now=clock.now())
        # However busy: what is not pressing, and what found no idle moment.
        if moment - self._reconciled_at >= RECONCILE_EVERY:
            self._reconcile()

    def _reconcile(self) -> None:
        self._reconciled_at = time.monotonic()
        self._reconciler.work(now=clock.now(), seconds=RECONCILE_FOR)

    def _forget_connections(self) -> None:
        connection.close()
        if self._bell is not None:
            bell, self._bell = self._bell, None
            try:
                bell.close()
            except (DatabaseError, InterfaceError, OSError):
                logger.debug("A broken bell could not be closed.", exc_info=True)

    # -- the rest of django-q2's broker interface --------------------------------------------------

    def enqueue(self, task: str) -> int:
        """Store a task of django-q2's `async_task` as a run; return its id."""
        return submit("django_q.task", {"task": task}).pk

    def queue_size(self) -> int:
        """Return how many runs and occurrences are due; reads no others."""
        due = Run.objects.due(now=clock.now())
        return due.filter(is_next=False).count() + due.filter(is_next=True).count()

    def lock_size(self) -> int:
        return Run.objects.running().count()

    def acknowledge(self, task_id: int) -> None:
        """Do nothing: the worker records the end of a run itself, fenced by its attempt."""

    def fail(self, task_id: int) -> None:
        """Do nothing: a run that nobody starts goes back to the queue when its lease ends."""

    def delete(self, task_id: int) -> None:
        Run.objects.pending().filter(pk=task_id, is_next=False).delete()

    def delete_queue(self) -> None:
        self.purge_queue()

    def purge_queue(self) -> None:
        Run.objects.pending().filter(is_next=False).delete()

    def ping(self) -> bool:
        """Tell whether the queue can be read."""
        try:
            Run.objects.pending().exists()
        except (DatabaseError, InterfaceError):
            return False
        return True

    def info(self) -> str:
        return f"FireTimeBroker {connection.vendor}"

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        """Store what a cluster says of itself; at most every 2 s, and never raises."""
        moment = time.monotonic()
        if moment - self._said_at < STATUS_EVERY:
            return
        self._said_at = moment
        try:
            ClusterStatus.objects.update_or_create(
                name=key, defaults={"status": value, "seen_at": clock.now()}
            )
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The cluster's status cannot be stored. %s", error)
            connection.close()

    def remove_stat(self, key: str) -> None:
        """Forget a cluster that stopped in good order."""
        try:
            ClusterStatus.objects.filter(name=key).delete()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The cluster's status cannot be removed. %s", error)

    def get_stat(self, key: str) -> str | None:
        status: str | None = self._alive().filter(name=key).values_list("status", flat=True).first()
        return status

    def get_stats(self, pattern: str) -> list[str]:
        return list(self._alive().values_list("status", flat=True))

    @staticmethod
    def _alive() -> Any:
        return ClusterStatus.objects.filter(seen_at__gt=clock.now() - STATUS_LIFE)


def as_task(claim: claiming.Claim) -> dict[str, Any]:
    """Return a claim in the shape of a django-q2 task; its worker reads `args` alone."""
    return {
        "id": uuid.uuid4().hex,
        "name": f"run-{claim.run}",
        "func": "scheduling.worker.worker",
        "args": (claim.run, claim.attempt, claim.losses),
        "kwargs": {},
    }
