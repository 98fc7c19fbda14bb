"""`manage.py start`: from an empty data folder to a site that runs and keeps running."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections

from botflow_site import addresses, first_start
from botflow_site.addresses import AddressError
from botflow_site.supervising import Supervisor

# Seconds beyond the grace of runs in which a cluster has ended all of its processes.
STOP_MARGIN = 10.0


class Command(BaseCommand):
    help = "Prepares the database, then runs the web server and the cluster until Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        self.is_announced = False
        try:
            addresses.require_free(settings.BOTFLOW_HOST, settings.BOTFLOW_PORT)
            self._prepare()
        except AddressError as error:
            raise CommandError(str(error)) from None
        except DatabaseError as error:
            raise CommandError(f"DATABASE_URL: the database cannot be used: {error}") from None
        supervisor = Supervisor(
            {"web": web_command(), "cluster": cluster_command()},
            stop_seconds=settings.BOTFLOW_STOP_GRACE + STOP_MARGIN,
        )
        supervisor.run(self._announce)
        self._say("BotFlow has stopped.")

    def _prepare(self) -> None:
        if first_start.has_pending_migrations():
            self._say("Preparing the database …")
            first_start.migrate()
        if password := first_start.create_first_admin():
            self._say(
                f"\n  Admin user: {first_start.ADMIN}\n  Password:   {password}\n"
                "  It is shown this once. To change it: manage.py changepassword admin\n"
            )
        # Held open, they would keep SQLite from folding its log away when all others have ended.
        connections.close_all()

    def _announce(self) -> None:
        """Say where the site is, once, when it answers."""
        host, port = settings.BOTFLOW_HOST, settings.BOTFLOW_PORT
        if self.is_announced or not addresses.answers(host, port):
            return
        self.is_announced = True
        url = addresses.url(host, port)
        self._say(
            f"\n  BotFlow is running.\n\n  Chat:   {url}\n  Admin:  {url}admin/\n"
            f"  Agent:  {settings.BOTFLOW_AGENT}\n\n  Ctrl-C stops it.\n"
        )

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def web_command() -> list[str]:
    address = ["-b", settings.BOTFLOW_HOST, "-p", str(settings.BOTFLOW_PORT)]
    # Quiet: its access log is plain text, and health probes alone would fill it.
    return [sys.executable, "-m", "daphne", "-v", "0", *address, "botflow_site.asgi:application"]


def cluster_command() -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), "qcluster"]
