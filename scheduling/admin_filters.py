"""The filters of schedules and runs; none of them looks for its choices in the table."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from scheduling.actions import registry

Choices = list[tuple[str, Any]]


class ActionFilter(admin.SimpleListFilter):
    """Offers the registered actions; looking for those in the table would scan it."""

    title = _("action")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return sorted(((name, str(known.label)) for name, known in registry.items()))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(action=self.value()) if self.value() else queryset


class SourceFilter(admin.SimpleListFilter):
    """Tells runs of schedules from others."""

    title = _("source")
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [
            ("schedule", _("A schedule")),
            ("next", _("Next occurrence of a schedule")),
            ("manual", _("Requested by hand")),
            ("other", _("Anything else")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "schedule":
                return queryset.filter(schedule__isnull=False)
            case "next":
                return queryset.filter(is_next=True)
            case "manual":
                return queryset.exclude(requested_by="")
            case "other":
                return queryset.filter(schedule__isnull=True)
        return queryset


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [("enabled", _("Enabled")), ("paused", _("Paused")), ("finished", _("Finished"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Any]:
        match self.value():
            case "enabled":
                return queryset.enabled()
            case "paused":
                return queryset.paused()
            case "finished":
                return queryset.finished()
        return queryset


class OwnerFilter(admin.SimpleListFilter):
    """Tells what users set up for themselves from what belongs to the site."""

    title = _("owner")
    parameter_name = "owned"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [("no", _("The site")), ("yes", _("A user"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "no":
                return queryset.filter(owner="")
            case "yes":
                return queryset.exclude(owner="")
        return queryset
