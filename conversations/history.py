"""History: what an agent is shown of what was said before, as much of it as fits its window."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from conversations.agents import HistoryMessage
from conversations.agents.tokens import PER_MESSAGE, estimate, estimate_message
from conversations.branching import Path, path_to
from conversations.models import Conversation, Message

#: How the first message of a history begins when it sums up what the window no longer holds.
SUMMARY_BEGINS = "Summary of the earlier conversation: "


class Said(NamedTuple):
    """A message of the history; `turn` is the id of the message that it belongs to the turn of."""

    pk: int
    seq: int
    turn: int
    role: str
    content: str
    attachment: str
    #: JSON, as it is stored.
    files: str = "[]"

    @property
    def attachments(self) -> tuple[str, ...]:
        if self.files != "[]":
            return tuple(file["url"] for file in json.loads(self.files))
        return (self.attachment,) if self.attachment else ()


@dataclass(frozen=True, slots=True)
class Summary:
    """What was said up to the message change `until`; `since` is the `/new` after which."""

    text: str = ""
    until: int = 0
    since: int = 0

    @property
    def message(self) -> HistoryMessage:
        return HistoryMessage("system", SUMMARY_BEGINS + self.text)


#: In SQL: the ORM takes ten times as long to build it, and every turn asks.
_LATEST = """
SELECT m.id, m.seq, COALESCE(m.reply_to_id, m.merged_into_id, m.id) AS turn,
  m.role, m.content, m.attachment, m.files
FROM conversations_message m {thread}
WHERE m.conversation_id = %s AND m.seq > %s
  AND COALESCE(m.reply_to_id, m.merged_into_id, m.id) > %s
  AND m.state IN ('answered', 'done', 'stopped')
  AND (m.content <> '' OR m.attachment <> '')
  AND NOT (m.content_type = 'event' AND m.state = 'done')
ORDER BY {order} DESC LIMIT %s
"""
_LATEST_OF_ALL = _LATEST.format(thread="", order="m.seq")
#: Of one thread among several; not by `seq`, which an old version takes anew when it is chosen.
_LATEST_OF_THREAD = _LATEST.format(
    thread="""JOIN conversations_message asked ON asked.id = COALESCE(m.reply_to_id, m.id)
  AND (
    asked.role <> 'user' OR asked.id IN (SELECT branch FROM path)
    OR asked.replaces_id IS NULL AND EXISTS (
      SELECT 1 FROM path
      WHERE path.branch = COALESCE(asked.branch_id, 0) AND asked.id < path.until
    )
  )""",
    order="turn DESC, m.id",
)


def load_history(message: Message, merged: tuple[Message, ...] = ()) -> list[HistoryMessage]:
    """Return what was said since the last `/new`, each reply behind what it answers; one query.

    Of the thread that leads to the message: one more query where there are several. The latest
    whole turns that fit BOTFLOW_HISTORY_MESSAGES and BOTFLOW_HISTORY_TOKENS, the very
    latest however long it is, and before them the summary of the earlier ones, where there is one.
    Without the message itself, its own turn's other messages and its reply.
    """
    conversation = message.conversation
    summary = summary_of(conversation)
    most = settings.BOTFLOW_HISTORY_MESSAGES
    turns, _ = latest_turns(conversation, most=most, path=path_to(message))
    own = {message.pk, *(one.pk for one in merged)}
    turns = [turn for turn in turns if turn[0].turn not in own]
    shown = [said for turn in turns[: count_fitting(turns, summary)] for said in turn]
    # By the message answered, then by age: several messages may be sent before the first reply.
    shown.sort(key=lambda said: (said.turn, said.pk))
    history = [as_message(said) for said in shown]
    return [summary.message, *history] if summary.text else history


def as_message(said: Said) -> HistoryMessage:
    return HistoryMessage(said.role, said.content, said.attachments)


def summary_of(conversation: Conversation) -> Summary:
    """Return the summary of what was said since the last `/new`; an empty one where none holds."""
    if not settings.BOTFLOW_SUMMARIZER:
        return Summary()
    since = _since(conversation)["message"]
    stored = conversation.settings.get("summary") or {}
    # Of another time before `/new`, perhaps stored after it: what was said then is forgotten.
    return Summary(**stored) if stored.get("since") == since else Summary(since=since)


def _since(conversation: Conversation) -> dict[str, Any]:
    return {"message": 0, "seq": 0} | (conversation.settings.get("history_after") or {})


def latest_turns(
    conversation: Conversation, *, most: int, after: int = 0, path: Path | None = None
) -> tuple[list[list[Said]], bool]:
    """Return the latest turns of up to `most` messages together, the latest first; one query.

    Whole turns with changes after the number `after`, and since the last `/new`, on the `path`
    where there are several; the second value tells whether there are more.
    """
    since = _since(conversation)
    bounds = [max(since["seq"], after), since["message"]]
    # One more than can be shown: the turn that it belongs to has no room, or may miss a part.
    query, values = _LATEST_OF_ALL, [conversation.pk, *bounds, most + 1]
    if path:
        steps = ", ".join(["(%s, %s)"] * len(path.steps))
        query = f"WITH path(branch, until) AS (VALUES {steps}) {_LATEST_OF_THREAD}"
        values = [*(value for step in path.steps for value in step), *values]
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        rows = [Said._make(row) for row in cursor.fetchall()]
    turns: dict[int, list[Said]] = {}
    for row in rows:
        turns.setdefault(row.turn, []).append(row)
    is_more = len(rows) > most
    if is_more:
        del turns[rows[-1].turn]
    return list(turns.values()), is_more


def count_fitting(turns: list[list[Said]], summary: Summary, *, share: int = 1) -> int:
    """Return how many of the turns, the latest first, fit the window or a `share`-th of it.

    The latest turn fits however many tokens it has: what follows it would make no sense alone.
    """
    most_messages = settings.BOTFLOW_HISTORY_MESSAGES // share
    most_tokens = -(-settings.BOTFLOW_HISTORY_TOKENS // share)
    messages, tokens = 0, estimate_message(summary.message) if summary.text else 0
    for place, turn in enumerate(turns):
        messages += len(turn)
        for said in turn:
            tokens += PER_MESSAGE + estimate(said.content)
        is_long = 0 < most_tokens < tokens and place > 0
        if messages > most_messages or is_long:
            return place
    return len(turns)
