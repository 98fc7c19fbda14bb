"""The admin of the clusters that work off the queue: which live, and what each is made of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.signing import BadSignature
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_q.signing import SignedPackage
from unfold.decorators import display

from scheduling.admin_base import RecordAdmin
from scheduling.admin_texts import NOTHING, badge_html, moment_html, short_moment_html
from scheduling.broker import STATUS_LIFE
from scheduling.models import ClusterStatus


@admin.register(ClusterStatus)
class ClusterAdmin(RecordAdmin):
    """Shows the clusters of the last day, those that live first."""

    list_display = ("short_name", "alive", "seen", "host", "worker_count", "restarts", "pids")
    ordering = ("-seen_at",)
    fields = ("name", "alive", "seen", "host", "started", "worker_count", "restarts", "pids")
    readonly_fields = ("alive", "seen", "host", "started", "worker_count", "restarts", "pids")

    @display(description=_("name"))
    def short_name(self, row: ClusterStatus) -> str:
        return row.name.rpartition(":")[2][:8]

    @display(description=_("state"))
    def alive(self, row: ClusterStatus) -> str:
        if timezone.now() - row.seen_at < STATUS_LIFE:
            return badge_html(gettext("Alive"), "success")
        return badge_html(gettext("Silent"), "danger")

    @display(description=_("seen"))
    def seen(self, row: ClusterStatus) -> str:
        return short_moment_html(row.seen_at, now=timezone.now())

    @display(description=_("host"))
    def host(self, row: ClusterStatus) -> str:
        return str(_said(row, "host"))

    @display(description=_("started"))
    def started(self, row: ClusterStatus) -> str:
        since = _said(row, "tob")
        return moment_html(since, now=timezone.now()) if isinstance(since, datetime) else NOTHING

    @display(description=_("workers"))
    def worker_count(self, row: ClusterStatus) -> str:
        workers = _said(row, "workers")
        return str(len(workers)) if isinstance(workers, list) else NOTHING

    @display(description=_("processes replaced"))
    def restarts(self, row: ClusterStatus) -> str:
        return str(_said(row, "reincarnations"))

    @display(description=_("process ids"))
    def pids(self, row: ClusterStatus) -> str:
        workers = _said(row, "workers")
        if not isinstance(workers, list):
            return NOTHING
        return gettext("main %(main)s, sentinel %(sentinel)s, pusher %(pusher)s, %(workers)s") % {
            "main": _said(row, "pid"),
            "sentinel": _said(row, "sentinel"),
            "pusher": _said(row, "pusher"),
            "workers": gettext("workers %(pids)s") % {"pids": ", ".join(map(str, workers))},
        }


def _said(row: ClusterStatus, name: str) -> Any:
    """Return one thing from the cluster's signed status; a dash when another key signed it."""
    try:
        return getattr(SignedPackage.loads(row.status), name, NOTHING)
    except BadSignature:
        return NOTHING
