"""Several clusters notice what is due together: none waits for what another has in hand."""

import pytest
from django.db import connection, connections, transaction

from scheduling import noticing
from scheduling.models import Run, Schedule
from scheduling.noticing import BATCH, ROWS
from tests.scheduling.schedule_parts import Clock, make, notice_all


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time.")
def test_what_another_cluster_has_in_hand_holds_up_no_other_occurrence(clock: Clock) -> None:
    for _ in range(BATCH + 3):
        make()
    clock.forward(60)
    other = connections.create_connection("default")
    oldest = Schedule.objects.order_by("pk").values_list("pk", flat=True)[:BATCH]
    locking = f"SELECT id FROM scheduling_schedule WHERE id IN {tuple(oldest)} FOR UPDATE"
    other.set_autocommit(False)
    try:
        with other.cursor() as cursor:
            cursor.execute(locking)

        noticed = noticing.notice(now=clock.moment)
    finally:
        other.rollback()
        other.close()

    assert noticed == 3
    assert notice_all() == BATCH


@pytest.mark.django_db
def test_one_transaction_takes_in_only_so_many_rows(clock: Clock) -> None:
    for _ in range(4):
        make(misfire="run_all", misfire_limit=1000)
    clock.forward(60 * (ROWS - 1))

    with transaction.atomic():
        first = noticing.notice(now=clock.moment)

    assert first == 2
    assert notice_all() == 2
    assert Run.objects.filter(is_next=False).count() == 4 * (ROWS - 1)
