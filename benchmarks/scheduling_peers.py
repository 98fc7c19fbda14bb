"""The peers of scheduling.py: each stores schedules its own way and has some fall due at once.

Each runs in a process of its own, perhaps with an interpreter of its own that has nothing but the
peer installed: nothing of BotFlow is imported here. Prints the seconds from the fire time to the
start of each task, as JSON; a task that never starts is missing from the list.
"""

# ruff: noqa: PLC0415  (each peer's interpreter has its own packages)

from __future__ import annotations

import json
import math
import multiprocessing
import os
import pickle
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("PEER_FOLDER", "."))
#: What pip installs for each; django-q2 is there, since BotFlow depends on it.
PACKAGES = {
    "apscheduler": ["apscheduler>=3.11,<4", "sqlalchemy>=2,<3"],
    "django-q2": ["django-q2"],
    "celery-beat": [
        "celery>=5.4,<6",
        "django-celery-beat>=2.8,<3",
        "redis",
        "packaging",
        "django<6",
    ],
}
MODULES = {
    "apscheduler": ["apscheduler", "sqlalchemy"],
    "django-q2": ["django_q"],
    "celery-beat": ["celery", "django_celery_beat", "redis"],
}
# Seconds that a peer gets to start everything.
PATIENCE = 60.0


def record() -> None:
    """Write down that a task started: the action of every peer's schedules."""
    descriptor = os.open(FOLDER / "started", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{time.time()}\n".encode())
    os.close(descriptor)


def started() -> list[float]:
    path = FOLDER / "started"
    return [float(line) for line in path.read_text().split()] if path.exists() else []


def wait(count: int, moment: float, seen: Callable[[], list[float]] = started) -> list[float]:
    """Return how late each task began, once all did, or PATIENCE is over, or nothing more comes."""
    before, since = 0, time.time()
    while time.time() < moment + PATIENCE:
        found = len(seen())
        if found != before:
            before, since = found, time.time()
        if found >= count or (before and time.time() - since > 5):
            break
        time.sleep(0.1)
    return [at - moment for at in seen()]


def soon(seconds: float) -> float:
    return math.ceil(time.time() + seconds)


def aware(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, timezone.utc)  # noqa: UP017  (an older Python may do)


def apscheduler_by_default(stored: int, count: int) -> list[float]:
    """As it comes: a job later than 1 s is dropped."""
    return apscheduler(stored, count, job_defaults={})


def apscheduler(
    stored: int,
    count: int,
    *,
    job_defaults: Any = {"misfire_grace_time": None},  # noqa: B006
) -> list[float]:
    """With jobs on SQLite, run however late they are."""
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.background import BackgroundScheduler

    path = FOLDER / "apscheduler.sqlite3"
    stores = {"default": SQLAlchemyJobStore(f"sqlite:///{path}")}
    scheduler = BackgroundScheduler(jobstores=stores, job_defaults=job_defaults, timezone="UTC")
    scheduler.start(paused=True)
    scheduler.add_job(record, "interval", days=30, id="0")
    with sqlite3.connect(path) as database:
        # What is not due is never loaded: copies will do.
        database.execute(
            f"""WITH RECURSIVE numbers (n) AS
            (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {stored})
            INSERT INTO apscheduler_jobs SELECT n, next_run_time + n, job_state
            FROM apscheduler_jobs, numbers"""
        )
    moment = soon(2 + count / 1000)
    scheduler.add_job(record, "interval", days=1, start_date=aware(moment), id="due 0")
    with sqlite3.connect(path) as database:
        # Adding 2,000 one by one takes a minute.
        select = "SELECT next_run_time, job_state FROM apscheduler_jobs WHERE id = 'due 0'"
        ((next_run_time, state),) = database.execute(select)
        copies = [
            (f"due {n}", next_run_time, pickle.dumps(pickle.loads(state) | {"id": f"due {n}"}))
            for n in range(1, count)
        ]
        database.executemany("INSERT INTO apscheduler_jobs VALUES (?, ?, ?)", copies)
    scheduler.resume()
    late = wait(count, moment)
    scheduler.shutdown(wait=False)
    return late


def configure(app: str, **settings: Any) -> None:
    import django
    from django.conf import settings as configured
    from django.core.management import call_command

    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(FOLDER / "peer.sqlite3")}
    database["OPTIONS"] = {  # as BotFlow's
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    if django.VERSION < (5, 1):
        del database["OPTIONS"]
    configured.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", app],
        DATABASES={"default": database},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        TIME_ZONE="UTC",
        SECRET_KEY="of a benchmark",
        **settings,
    )
    django.setup()
    call_command("migrate", verbosity=0)


def django_q2(stored: int, count: int) -> list[float]:
    """Its own scheduler, which looks every 30 s, and its ORM broker; due in mid-pause."""
    cluster = {"name": "peer", "orm": "default", "workers": 2, "timeout": 60, "retry": 120}
    configure("django_q", Q_CLUSTER=cluster, LOGGING_CONFIG=None)
    from django.db import connections
    from django_q.cluster import Cluster
    from django_q.models import Schedule

    far, moment = aware(time.time() + 86400 * 30), soon(15)
    rows = [Schedule(func="scheduling_peers.record", next_run=far) for _ in range(stored)]
    rows += [
        Schedule(func="scheduling_peers.record", next_run=aware(moment), schedule_type="D")
        for _ in range(count)
    ]
    Schedule.objects.bulk_create(rows, batch_size=5000)
    connections.close_all()
    one = Cluster()
    moment = soon(15)
    Schedule.objects.filter(next_run__lt=far).update(next_run=aware(moment))
    connections.close_all()
    one.start()
    late = wait(count, moment)
    one.stop()
    return late


def redis_server() -> tuple[subprocess.Popen[bytes], int]:
    """Start one on a free port of loopback; return its process and the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=FOLDER), port


def celery_beat(stored: int, count: int) -> list[float]:
    """The seconds until celery beat has put each task into Redis; no worker takes part."""
    configure("django_celery_beat")
    from celery import Celery
    from django.db import connections
    from django_celery_beat.models import (
        ClockedSchedule,
        CrontabSchedule,
        IntervalSchedule,
        PeriodicTask,
    )
    from redis import Redis

    server, port = redis_server()
    client = Redis(port=port)
    app = Celery("peer", broker=f"redis://127.0.0.1:{port}/0")
    app.conf.beat_schedule_filename = str(FOLDER / "beat")
    # Cron expressions of another hour it does not even load.
    rarely = [
        {"interval": IntervalSchedule.objects.create(every=30, period="days")},
        {"crontab": CrontabSchedule.objects.create(hour=(time.gmtime().tm_hour + 6) % 24)},
    ]
    rows = [
        PeriodicTask(name=f"n{n}", task="nothing", last_run_at=aware(time.time()), **rarely[n % 2])
        for n in range(stored)
    ]
    PeriodicTask.objects.bulk_create(rows, batch_size=5000)
    # It reads them all before it looks at the first.
    moment = soon(15 + stored / 4000)
    at = ClockedSchedule.objects.create(clocked_time=aware(moment))
    PeriodicTask.objects.bulk_create(
        PeriodicTask(name=f"due {n}", task="nothing", clocked=at, one_off=True)
        for n in range(count)
    )
    connections.close_all()
    beat = multiprocessing.get_context("fork").Process(
        target=app.Beat(scheduler="django_celery_beat.schedulers:DatabaseScheduler", quiet=True).run
    )
    beat.start()
    arrivals: list[float] = []

    def seen() -> list[float]:
        length = client.llen("celery")
        arrivals.extend([time.time()] * (length - len(arrivals)))
        return arrivals

    try:
        time.sleep(max(0.0, moment - time.time() - 0.2))
        while len(seen()) < count and time.time() < moment + PATIENCE:
            time.sleep(0.005)
        return [arrived - moment for arrived in arrivals]
    finally:
        beat.kill()
        server.terminate()
        server.wait()


PEERS = {
    "apscheduler": apscheduler,
    "apscheduler by default": apscheduler_by_default,
    "django-q2": django_q2,
    "celery-beat": celery_beat,
}


def main() -> None:
    name, stored, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    late = PEERS[name](stored, count)
    print("late:" + json.dumps(late), flush=True)
    os._exit(0)


def missing(name: str, python: str) -> str:
    """Return why a peer cannot be run with an interpreter, "" when it can."""
    if name == "celery-beat" and not shutil.which("redis-server"):
        return "redis-server is not installed"
    for module in MODULES[name]:
        if subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode:
            return f"{module} is not installed (--install-peers installs it)"
    return ""
