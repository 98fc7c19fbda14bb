"""Processes that share no memory fetch the access token once, even if one of them is killed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.harness import services
from tests.harness.environment import ROOT
from tests.harness.site import Site, migrated_postgres
from tests.wechat.fake_api import APP_ID, SECRET, Answer, FakeApi, running, wait_for_calls

PATH = "stable_token"
LEASE_SECONDS = 3
# Asks for the token twenty times at once when it is told to, and prints what it got.
CALLER = f"""
import asyncio, json, sys
from datetime import timedelta
import django
django.setup()
from wechat import tokens
from wechat.client import client
tokens.LEASE = timedelta(seconds={LEASE_SECONDS})

async def ask():
    print("ready", flush=True)
    failed = await asyncio.to_thread(sys.stdin.readline)
    calls = [tokens.token(client(), failed=failed.strip()) for _ in range(20)]
    print(json.dumps(sorted(set(await asyncio.gather(*calls)))), flush=True)

asyncio.run(ask())
"""


class Caller:
    """A process that asks for the token when it is told to."""

    def __init__(self, site: Site) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CALLER],
            cwd=ROOT,
            env=site.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()

    def ask(self, failed: str = "") -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{failed}\n")
        self.process.stdin.flush()

    def found(self) -> Any:
        out, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, errors
        return json.loads(out)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def fake() -> Iterator[FakeApi]:
    with running() as one:
        yield one


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, fake: FakeApi) -> Iterator[Site]:
    if request.param == "postgresql":
        services.require("postgres")
    url = migrated_postgres() if request.param == "postgresql" else ""
    settings = {
        "WECHAT_TOKEN": "tokenofthesite",
        "WECHAT_APP_ID": APP_ID,
        "WECHAT_APP_SECRET": SECRET,
        "WECHAT_API_BASE_URL": fake.url,
    }
    with Site(database_url=url, **settings) as one:
        yield one


@pytest.fixture
def start(site: Site) -> Iterator[Any]:
    """Return a function that starts processes and returns once they are ready to ask."""
    with ExitStack() as stack:

        def start(number: int) -> list[Caller]:
            callers = [Caller(site) for _ in range(number)]
            for caller in callers:
                stack.callback(caller.kill)
            for caller in callers:
                assert caller.line() == "ready\n", caller.process.communicate()[1]
            return callers

        yield start


def token(name: str, delay: float = 0) -> Answer:
    return Answer({"access_token": name, "expires_in": 7200}, delay=delay)


def test_two_processes_with_a_cold_token_fetch_it_once(fake: FakeApi, start: Any) -> None:
    fake.script(PATH, token("T", delay=0.5))
    callers = start(2)

    for caller in callers:
        caller.ask()

    assert [caller.found() for caller in callers] == [["T"], ["T"]]
    assert fake.count(PATH) == 1


def test_two_processes_with_a_stale_token_fetch_a_new_one_once(fake: FakeApi, start: Any) -> None:
    fake.script(PATH, token("old"), token("new", delay=0.5))
    (first,) = start(1)
    first.ask()
    assert first.found() == ["old"]
    callers = start(2)

    for caller in callers:
        caller.ask(failed="old")

    assert [caller.found() for caller in callers] == [["new"], ["new"]]
    assert fake.count(PATH) == 2


def test_a_fetcher_that_is_killed_is_replaced_once_its_lease_is_over(
    fake: FakeApi, start: Any
) -> None:
    fake.script(PATH, token("never", delay=600), token("T"))
    killed, *others = start(3)
    killed.ask()
    wait_for_calls(fake, PATH, 1)

    killed.kill()
    for caller in others:
        caller.ask()

    assert [caller.found() for caller in others] == [["T"], ["T"]]
    assert fake.count(PATH) == 2
