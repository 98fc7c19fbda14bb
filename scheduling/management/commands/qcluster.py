"""`manage.py qcluster`: the cluster of processes that executes what is due."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections

from scheduling.cluster import Cluster
from scheduling.processes import raise_file_limit


class Command(BaseCommand):
    help = "Runs the cluster: claims due runs in fire-time order and executes them until SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        # Forked children must not inherit connections that the start-up checks opened.
        connections.close_all()
        raise_file_limit()
        Cluster().run()
