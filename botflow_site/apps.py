"""Registers the project itself as an app, for its checks and commands."""

from django.apps import AppConfig
from django.contrib import admin
from django.utils.module_loading import autodiscover_modules


class BotFlowSiteConfig(AppConfig):
    name = "botflow_site"
    verbose_name = "BotFlow"

    def ready(self) -> None:
        autodiscover_modules("checks")
        admin.site.site_header = admin.site.site_title = "BotFlow"
