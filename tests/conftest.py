"""Runs every test on settings of the tests' own, and offers a real site to those that want one."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import translation

from tests.emptying import quick_flush
from tests.harness import services
from tests.harness.environment import chosen_database
from tests.harness.site import Site

DATABASES = ("sqlite", "postgresql")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=DATABASES,
        default="sqlite",
        help="the database of the tests that use Django's ORM; PostgreSQL is started for them",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL leave out what touches no database: it ran, or will run, on SQLite."""
    if chosen_database() != "postgresql":
        return
    if reason := services.missing("postgres"):
        for item in items:
            item.add_marker(pytest.mark.skip(reason))
    untouched = [item for item in items if not touches_database(item)]
    config.hook.pytest_deselected(items=untouched)
    items[:] = [item for item in items if touches_database(item)]


def touches_database(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return bool(item.get_closest_marker("django_db") or {"db", "transactional_db"} & {*fixtures})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Print with a failure what the processes of its sites logged last."""
    report = yield
    if report.failed:
        for site in getattr(item, "funcargs", {}).values():
            if isinstance(site, Site):
                report.sections += [(path.name, text) for path, text in site.last_words()]
    return report


@pytest.fixture(scope="session", autouse=True)
def emptying() -> Iterator[None]:
    with quick_flush():
        yield


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Begin each test in English: a request of the one before may have left its language."""
    with translation.override("en"):
        yield


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """A running site on SQLite with the echo agent; `site.url` is its address."""
    with Site() as one:
        one.start_web()
        one.start_cluster()
        one.wait_ready()
        yield one
