"""The same site on each database at once: tests that mostly wait take no longer than one alone."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.faults.occurrences import keep_books
from tests.harness import services
from tests.harness.site import Site, migrated_postgres


@contextmanager
def sites(**settings: object) -> Iterator[list[Site]]:
    """Yield a site on SQLite and, where that is installed, one on PostgreSQL, both with books."""
    urls = [""]
    if services.missing("postgres") is None:
        urls.append(migrated_postgres())
    with ExitStack() as stack:
        yield [stack.enter_context(_site(url, settings)) for url in urls]


@contextmanager
def _site(url: str, settings: dict[str, object]) -> Iterator[Site]:
    with Site(database_url=url, BOTFLOW_APPS="tests.tickapp", **settings) as site:  # type: ignore[arg-type]
        keep_books(site)
        yield site
