"""What a cluster reports of itself, and the counters that its workers add to."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ClusterStatus(models.Model):
    """What one running cluster last said of itself; the proof of life that /health reads."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    status = models.TextField(_("status"))
    seen_at = models.DateTimeField(_("seen"), db_index=True)

    class Meta:
        verbose_name = _("cluster")
        verbose_name_plural = _("clusters")

    def __str__(self) -> str:
        return self.name


class Tally(models.Model):
    """A counter that every worker adds to, so that /metrics survives restarts and retention."""

    metric = models.CharField(max_length=60)
    labels = models.CharField(max_length=200, default="", blank=True)
    value = models.FloatField(default=0)

    class Meta:
        verbose_name = _("tally")
        verbose_name_plural = _("tallies")
        constraints = [models.UniqueConstraint(fields=["metric", "labels"], name="tally_unique")]

    def __str__(self) -> str:
        return f"{self.metric}{{{self.labels}}}"
