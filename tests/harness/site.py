"""One site as an operator runs it: a data folder, an environment, web servers and clusters."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.harness import services
from tests.harness.environment import ROOT, neutral
from tests.harness.polling import free_port, wait_until
from tests.harness.processes import Cluster, Group


class Site:
    """A data folder and the processes on it; leaving its `with` block ends them all.

    `database_url` is a migrated database, see `migrated_postgres`; without it the site has an
    SQLite file of its own. `settings` are environment variables.
    """

    def __init__(
        self,
        *,
        database_url: str = "",
        redis_url: str = "",
        agent: str = "echo",
        workers: int = 1,
        server: str = "daphne",
        **settings: object,
    ) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="botflow-site-"))
        self.port = free_port()
        self.server = server
        self.workers = workers
        self.webs: list[Group] = []
        self.clusters: list[Cluster] = []
        self.groups: list[Group] = []
        self.env = neutral() | {
            "DJANGO_SETTINGS_MODULE": "botflow_site.settings",
            "BOTFLOW_DATA_DIR": str(self.data),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "BOTFLOW_AGENT": agent,
            "BOTFLOW_WORKERS": str(workers),
            **{name: str(value) for name, value in settings.items()},
        }
        if not database_url:
            shutil.copy(migrated_sqlite(), self.data / "botflow.sqlite3")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/chat"

    @property
    def web(self) -> Group:
        """The web server that was started last."""
        return self.webs[-1]

    @property
    def cluster(self) -> Cluster:
        """The cluster that was started last."""
        return self.clusters[-1]

    # -- starting and ending ---------------------------------------------------------------------

    def start_web(self) -> Group:
        """Start the web server on the site's port, again after it was ended."""
        application = "botflow_site.asgi:application"
        address = {
            "daphne": ["-b", "127.0.0.1", "-p"],
            "uvicorn": ["--host", "127.0.0.1", "--port"],
        }
        command = [sys.executable, "-m", self.server, *address[self.server], str(self.port)]
        if self.server == "uvicorn" and (most := self.env.get("BOTFLOW_MAX_FRAME_BYTES")):
            command += ["--ws-max-size", most]  # daphne is given the setting by the site itself
        web = Group([*command, application], self.env, self._log(f"web-{len(self.webs)}"))
        self.webs.append(web)
        self.groups.append(web)
        return web

    def start_cluster(self, workers: int | None = None) -> Cluster:
        env = self.env | {"BOTFLOW_WORKERS": str(workers or self.workers)}
        log = self._log(f"cluster-{len(self.clusters)}")
        cluster = Cluster([sys.executable, "manage.py", "qcluster"], env, log)
        self.clusters.append(cluster)
        self.groups.append(cluster)
        return cluster

    def _log(self, name: str) -> Path:
        return self.data / f"{name}.log"

    def close(self) -> None:
        for group in self.groups:
            group.kill_all()
        shutil.rmtree(self.data, ignore_errors=True)

    # -- looking at it ---------------------------------------------------------------------------

    def health(self) -> dict[str, Any]:
        """Return what /health says, whatever its status; {} while nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as answer:
            with answer:
                return dict(json.load(answer))
        except (OSError, ValueError):
            return {}

    def wait_ready(self, seconds: float = 60) -> None:
        """Return once the web server answers and, where there is one, the cluster is complete."""

        def is_ready() -> bool:
            self._check_alive()
            checks = self.health().get("checks", {}) if self.webs else {}
            web = not self.webs or (checks.get("database") == checks.get("channel_layer") == "ok")
            return web and all(cluster.is_complete(self.workers) for cluster in self.clusters[-1:])

        wait_until(is_ready, "the site to be ready", seconds, pause=0.05)

    def _check_alive(self) -> None:
        for group in [*self.webs[-1:], *self.clusters[-1:]]:
            assert group.main.poll() is None, f"{group.log.name} ended:\n{group.last_words()}"

    def last_words(self) -> list[tuple[Path, str]]:
        return [(group.log, group.last_words()) for group in self.groups if group.log.exists()]

    def logs(self) -> str:
        return "".join(group.log.read_text(errors="replace") for group in self.groups)

    def calls(self) -> list[str]:
        """Return the lines that agents and actions of the tests have left, one for each call."""
        path = self.data / "calls.log"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def run(self, code: str, *arguments: object) -> Any:
        """Run Python code on the site, with Django set up; return the JSON it prints.

        The code finds `arguments` as the JSON values `arguments`.
        """
        setup = "import json, sys, django; django.setup(); arguments = json.loads(sys.argv[1])\n"
        done = subprocess.run(
            [sys.executable, "-c", setup + code, json.dumps(arguments)],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None


@cache
def migrated_sqlite() -> Path:
    """Return an SQLite file with all tables, to be copied: migrating takes 2 s each time."""
    folder = Path(services.temporary_folder("migrated"))
    migrate({"BOTFLOW_DATA_DIR": str(folder)})
    assert not list(folder.glob("*-wal")), "The database is still open."
    return folder / "botflow.sqlite3"


def migrated_postgres(server: services.PostgresServer | None = None) -> str:
    """Return the URL of a fresh PostgreSQL database with all tables, on the session's server."""
    server = server or services.postgres()
    return server.new_database(template=urlsplit(_postgres_template(server)).path[1:])


@cache
def _postgres_template(server: services.PostgresServer) -> str:
    url = server.new_database()
    migrate({"BOTFLOW_DATA_DIR": services.temporary_folder("template"), "DATABASE_URL": url})
    return url


def migrate(env: dict[str, str]) -> None:
    own = neutral() | {"DJANGO_SETTINGS_MODULE": "botflow_site.settings"} | env
    command = [sys.executable, "manage.py", "migrate", "-v0"]
    subprocess.run(command, cwd=ROOT, env=own, check=True, timeout=120)
