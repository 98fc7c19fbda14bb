"""`manage.py wechat_doctor`: says what is right and wrong with the WeChat channel."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wechat.doctor import Level, Part, examine

MARKS = {Level.OK: "✓", Level.WARNING: "!", Level.ERROR: "✗", Level.UNKNOWN: "?"}


class Command(BaseCommand):
    help = (
        "Looks at the settings, asks WeChat and calls the webhook; says what to do about what is"
        " wrong. Exits with 1 when something is."
    )
    # A wrong setting is a finding, not a reason to say nothing.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--url",
            default="",
            help="the site's public address, e.g. https://bot.example.org; this machine's without",
        )
        parser.add_argument(
            "--retry",
            action="store_true",
            help="forget what was learned of the account, and ask WeChat whatever it said before",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            parts = examine(url=options["url"], insists=options["retry"])
        except DatabaseError as error:
            problem = f"The database cannot be read; manage.py migrate makes its tables. ({error})"
            raise CommandError(problem) from None
        for part in parts:
            self._print(part)
        wrong = _count(parts, Level.ERROR)
        if wrong:
            text = ngettext("%(n)d thing is wrong.", "%(n)d things are wrong.", wrong)
            self.stdout.write(self.style.ERROR(text % {"n": wrong}))
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS(_("Nothing is wrong.")))

    def _print(self, part: Part) -> None:
        styles = {
            Level.OK: self.style.SUCCESS,
            Level.WARNING: self.style.WARNING,
            Level.ERROR: self.style.ERROR,
        }
        self.stdout.write(self.style.MIGRATE_HEADING(part.title))
        for finding in part.findings:
            paint = styles.get(finding.level, str)
            self.stdout.write(f"  {paint(MARKS[finding.level])} {finding.name}: {finding.text}")
            if finding.advice:
                self.stdout.write(f"    → {finding.advice}")
        self.stdout.write("")


def _count(parts: list[Part], level: Level) -> int:
    return sum(finding.level == level for part in parts for finding in part.findings)
