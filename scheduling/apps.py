"""Registers the app with Django and collects the actions that every app declares."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class SchedulingConfig(AppConfig):
    name = "scheduling"
    verbose_name = _("Scheduling")

    def ready(self) -> None:
        autodiscover_modules("actions", "checks")
        import_module("scheduling.pruning")
        # Not before the apps are ready: django-q2 asks for its models as it is imported.
        import_module("scheduling.django_q_tasks")
