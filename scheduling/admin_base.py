"""The one base class of all admin pages, so that their theme can be changed in one place."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator


class BotFlowModelAdmin(ModelAdmin):
    """A page of the admin in the site's theme."""

    # Facets count every choice of every filter: a scan of the table each.
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 200
    list_fullwidth = True
    empty_value_display = "–"

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse regular expressions in the address: SQLite runs them in Python, without end."""
        if lookup.rpartition("__")[2] in ("regex", "iregex"):
            return False
        return bool(super().lookup_allowed(lookup, value, request))


class RecordAdmin(BotFlowModelAdmin):
    """Shows rows that the system writes: nobody adds, changes or deletes them here."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class EndlessAdmin(BotFlowModelAdmin):
    """Shows a table of any size: pages have a next and a previous one, and nothing is counted."""

    paginator = InfinitePaginator
    show_full_result_count = False
    # The number of "all" is unknown, and acting on a million rows is no work for a web request.
    list_disable_select_all = True
    sortable_by = ()
    #: Fields that the list does not show and that may be large.
    list_defer: tuple[str, ...] = ()

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        match = request.resolver_match
        if match and (match.url_name or "").endswith("_changelist"):
            return rows.defer(*self.list_defer)
        return rows


class EndlessRecordAdmin(EndlessAdmin, RecordAdmin):
    """Shows a table of any size that the system writes."""
