"""Throw-away PostgreSQL and Redis servers on free loopback ports, shared by a test session."""

from __future__ import annotations

import atexit
import glob
import os
import shutil
import signal
import subprocess
import tempfile
from functools import cache
from itertools import count
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from tests.harness.polling import free_port, wait_until


def find_binary(name: str) -> str | None:
    """Return the path of a binary; PostgreSQL's own are in no PATH on Debian."""
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)
    return found[0] if found else shutil.which(name)


def missing(binary: str) -> str | None:
    """Return why tests with this binary cannot run, or None; with BOTFLOW_TEST_ALL=1 they must."""
    if find_binary(binary):
        return None
    reason = f"{binary} is not installed"
    if os.environ.get("BOTFLOW_TEST_ALL") == "1":
        pytest.fail(f"{reason}, and BOTFLOW_TEST_ALL=1 allows no skipping")
    return reason


def require(binary: str) -> None:
    if reason := missing(binary):
        pytest.skip(reason)


def temporary_folder(name: str) -> str:
    """Return a folder that is removed when the tests end."""
    folder = tempfile.mkdtemp(prefix=f"botflow-{name}-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class Server:
    """A server process in a temporary folder; ends with the test session at the latest."""

    def __init__(self, name: str) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"botflow-{name}-"))
        self.process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    def command(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    #: The user to run as; None for the one the tests run as.
    user: str | None = None

    def start(self) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.folder, stdout=log, stderr=log, **self._as_user()
            )
        wait_until(self.answers, f"{type(self).__name__} to answer")

    def _as_user(self) -> dict[str, object]:
        return {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}

    def end(self, how: signal.Signals) -> None:
        """Send a signal that ends the server and wait until all of its processes are gone."""
        if self.process is None or self.process.poll() is not None:
            return
        tree = self.tree()
        self.process.send_signal(how)
        try:
            self.process.wait(20)
        finally:
            _, alive = psutil.wait_procs(tree, timeout=5)
            for process in alive:
                process.kill()
            psutil.wait_procs(alive, timeout=5)

    def tree(self) -> list[psutil.Process]:
        assert self.process is not None
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def pause(self) -> None:
        for process in self.tree():
            process.suspend()

    def resume(self) -> None:
        for process in self.tree():
            process.resume()

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.resume()
            self.end(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


class PostgresServer(Server):
    def __init__(self) -> None:
        super().__init__("postgres")
        self._numbers = count(1)
        if os.geteuid() == 0:  # it refuses to run as root
            self.user = "postgres" if _has_user("postgres") else "nobody"
            shutil.chown(self.folder, self.user, self.user)
        options = ["-U", "botflow", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
        subprocess.run(
            [str(find_binary("initdb")), "-D", str(self.folder / "data"), *options],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
            **self._as_user(),  # type: ignore[call-overload]
        )

    def command(self) -> list[str]:
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "fsync": "off",  # nobody pulls the plug of a test
            "max_connections": 300,
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [str(find_binary("postgres")), "-D", str(self.folder / "data"), *options]

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def url(self, database: str) -> str:
        return f"postgres://botflow@127.0.0.1:{self.port}/{database}"

    def new_database(self, template: str = "template1") -> str:
        """Return the URL of a fresh database, a copy of `template`."""
        name = f"botflow_{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def stop(self) -> None:
        """Stop as a fast restart does: transactions are rolled back, clients cut off."""
        self.end(signal.SIGINT)

    def cut_connections(self) -> None:
        """End every client's connection but this one."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )


class RedisServer(Server):
    def __init__(self) -> None:
        super().__init__("redis")

    def command(self) -> list[str]:
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        return [str(find_binary("redis-server")), "--port", str(self.port), *options]

    def answers(self) -> bool:
        with redis.Redis(port=self.port) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def cut_connections(self) -> None:
        """End every client's connection, those of subscribers too."""
        with redis.Redis(port=self.port) as client:
            client.client_kill_filter(_type="pubsub")
            client.client_kill_filter(_type="normal", skipme=True)


def _has_user(name: str) -> bool:
    return any(line.startswith(f"{name}:") for line in Path("/etc/passwd").read_text().splitlines())


@cache
def postgres() -> PostgresServer:
    """Return the session's PostgreSQL, started by the first who asks."""
    server = PostgresServer()
    server.start()
    return server


@cache
def redis_server() -> RedisServer:
    """Return the session's Redis, started by the first who asks."""
    server = RedisServer()
    server.start()
    return server
