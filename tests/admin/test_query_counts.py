"""The admin asks the database as often for fifty rows as for one."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.models import Conversation, Message
from scheduling.models import ClusterStatus, Run


def add_conversation(number: int) -> None:
    conversation = Conversation.objects.create(channel="web", address=f"a-{number}")
    for seq in range(3):
        Message.objects.create(
            conversation=conversation, role="user", content="hello", state="queued", seq=seq
        )


def add_run(number: int) -> None:
    Run.objects.create(action="tests.nothing", fire_at=timezone.now(), key=f"k-{number}")


def add_cluster(number: int) -> None:
    ClusterStatus.objects.create(name=f"c-{number}", status="x", seen_at=timezone.now())


def count_queries(client: Client, page: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(page).status_code == 200
    return len(queries)


@pytest.mark.parametrize(
    ("page", "add"),
    [
        ("/admin/conversations/conversation/", add_conversation),
        ("/admin/conversations/message/", add_conversation),
        ("/admin/conversations/conversation/1/change/", add_conversation),
        ("/admin/scheduling/run/", add_run),
        ("/admin/scheduling/clusterstatus/", add_cluster),
        ("/admin/", add_run),
    ],
)
def test_more_rows_need_no_more_queries(
    admin_client: Client, page: str, add: Callable[[int], None]
) -> None:
    Conversation.objects.create(pk=1, channel="web", address="first")
    add(1)
    count_queries(admin_client, page)
    few = count_queries(admin_client, page)
    for number in range(2, 50):
        add(number)

    assert count_queries(admin_client, page) == few
    assert few <= 20


@pytest.mark.parametrize("page", ["/admin/scheduling/run/", "/admin/conversations/message/"])
def test_lists_without_end_are_not_counted(admin_client: Client, page: str) -> None:
    add_run(1)
    add_conversation(1)

    with CaptureQueriesContext(connection) as queries:
        admin_client.get(page)

    table = "scheduling_run" if "run" in page else "conversations_message"
    counts = [q["sql"] for q in queries if "COUNT(" in q["sql"] and f'FROM "{table}"' in q["sql"]]
    assert [sql for sql in counts if "finished_at" not in sql] == []


def test_counts_of_a_conversation_are_its_own(admin_client: Client) -> None:
    add_conversation(1)
    Conversation.objects.create(channel="web", address="silent")

    rows = admin_client.get("/admin/conversations/conversation/").context["cl"].result_list

    assert sorted((row.number, row.waiting) for row in rows) == [(0, 0), (3, 3)]
