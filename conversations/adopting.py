"""Signing in: what a visitor said before becomes the user's, whose browser it is."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in
from django.db import models

from conversations.identity import of_user, of_visitor
from conversations.models import Conversation, Upload


def listen() -> None:
    """Have every sign-in adopt, the admin's too."""
    user_logged_in.connect(_signed_in, dispatch_uid="conversations.adopting")


def _signed_in(sender: Any, request: Any, user: AbstractBaseUser, **kwargs: Any) -> None:
    if request is not None and hasattr(request, "session"):
        adopt(request.session, user)


def adopt(session: Any, user: AbstractBaseUser) -> None:
    """Make conversations and uploads of the session's visitor the user's own; idempotent.

    The session goes on knowing the visitor until the sign-out, which ends it: what another tab
    said in the moment of the sign-in is found at the next page. Django gives a session that
    another user had to nobody else, so that no visitor has two heirs. Two queries where there is
    nothing to adopt, without a lock.
    """
    visitor = session.get("visitor")
    if not visitor:
        return
    before, after = of_visitor(visitor).participant, of_user(user.pk).participant
    kinds: tuple[type[models.Model], ...] = (Conversation, Upload)
    for kind in kinds:
        theirs = kind._default_manager.filter(participant=before)
        if theirs.exists():
            theirs.update(participant=after)
