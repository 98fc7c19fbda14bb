"""Who speaks on the web page: a signed-in user, or a visitor known by session or by token."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import signing
from django.http import HttpRequest

SALT = "conversations.visitor"


@dataclass(frozen=True, slots=True)
class Identity:
    """`user:<id>` or `visitor:<uuid>`: the participant whose conversations one may read."""

    participant: str

    @property
    def is_user(self) -> bool:
        """Whether it is an account that somebody signs in to."""
        return self.participant.startswith("user:")

    @property
    def token(self) -> str:
        """What a client without cookies sends back to be the same person again; signed."""
        return signing.dumps(self.participant, salt=SALT)

    @property
    def first_conversation(self) -> uuid.UUID:
        """The id of the conversation this person starts with; it needs no row until they speak."""
        return self.first_conversations[0]

    @property
    def first_conversations(self) -> list[uuid.UUID]:
        """The ids it may have: the next ones are for when those before have become another's."""
        names = [self.participant, f"{self.participant}:2", f"{self.participant}:3"]
        return [uuid.uuid5(uuid.NAMESPACE_URL, f"botflow:{name}") for name in names]


def of_user(pk: Any) -> Identity:
    return Identity(f"user:{pk}")


def of_visitor(name: Any) -> Identity:
    return Identity(f"visitor:{name}")


def new_visitor() -> Identity:
    return of_visitor(uuid.uuid4())


def from_token(token: str) -> Identity | None:
    """Return who holds the token, or None when it is not one of ours."""
    try:
        participant = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    return Identity(participant)


def holder_of(token: str) -> Identity | None:
    """Return whose token it is; of a user only while they may sign in (one query)."""
    identity = from_token(token) if token else None
    if identity and identity.is_user:
        pk = identity.participant.removeprefix("user:")
        if not get_user_model().objects.filter(pk=pk, is_active=True).exists():
            return None
    return identity


def token_of(request: HttpRequest) -> str | None:
    """Return the token that a request brings along, None where it brings none.

    In `Authorization: Bearer`, or for what a browser opens by itself, which can send no header,
    as `?token=`.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return request.GET.get("token") if request.method in ("GET", "HEAD") else None


def identity_of(request: HttpRequest) -> Identity | None:
    """Return who asks over HTTP; None where a sign-in is needed, or nothing says who it is.

    A token outranks the session; a bad one does not fall back to it, for requests with a token
    are not checked for forgery.
    """
    needs_user = settings.BOTFLOW_CHAT_ACCESS == "login"
    token = token_of(request)
    if token is not None:
        found = holder_of(token)
    else:
        user = request.user
        found = from_session(request.session, str(user.pk) if user.is_authenticated else None)
    return None if found and needs_user and not found.is_user else found


def remember_visitor(session: Any) -> str:
    """Return the visitor id that the session carries, giving it one first where it has none."""
    if "visitor" not in session:
        session["visitor"] = str(uuid.uuid4())
    return str(session["visitor"])


def from_session(session: Any, user_id: str | None) -> Identity | None:
    """Return the signed-in user, else the session's visitor, else None."""
    if user_id:
        return of_user(user_id)
    visitor = session.get("visitor")
    return of_visitor(visitor) if visitor else None
