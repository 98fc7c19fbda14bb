"""Who speaks on the web page: a signed-in user, or a visitor known by session or by token."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.core import signing

SALT = "conversations.visitor"


@dataclass(frozen=True, slots=True)
class Identity:
    """`user:<id>` or `visitor:<uuid>`: the participant whose conversations one may read."""

    participant: str

    @property
    def token(self) -> str:
        """What a client without cookies sends back to be the same person again; signed."""
        return signing.dumps(self.participant, salt=SALT)

    @property
    def first_conversation(self) -> uuid.UUID:
        """The id of the conversation this person starts with; it needs no row until they speak."""
        return uuid.uuid5(uuid.NAMESPACE_URL, f"botflow:{self.participant}")


def new_visitor() -> Identity:
    return Identity(f"visitor:{uuid.uuid4()}")


def from_token(token: str) -> Identity | None:
    """Return who holds the token, or None when it is not one of ours."""
    try:
        participant = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    return Identity(participant)


def remember_visitor(session: Any) -> str:
    """Return the visitor id that the session carries, giving it one first where it has none."""
    if "visitor" not in session:
        session["visitor"] = str(uuid.uuid4())
    return str(session["visitor"])


def from_session(session: Any, user_id: str | None) -> Identity | None:
    """Return the signed-in user, else the session's visitor, else None."""
    if user_id:
        return Identity(f"user:{user_id}")
    visitor = session.get("visitor")
    return Identity(f"visitor:{visitor}") if visitor else None
