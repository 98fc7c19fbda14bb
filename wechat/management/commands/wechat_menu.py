"""`manage.py wechat_menu`: shows, replaces or removes the menu below the chat with the account."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from wechat.asking import Answer, ask_wechat
from wechat.client import WeChatClient
from wechat.errors import ApiError, Reaction, WeChatError
from wechat.menus import EXAMPLE, BadMenu, Menu, menu_notes, read_menu, write_menu


class Command(BaseCommand):
    help = "Shows, replaces or removes the account's menu; `example` prints one to begin with."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(
            dest="step", required=True, metavar="show|push|delete|example"
        )
        steps.add_parser("show", help="print the menu that WeChat has, as JSON")
        push = steps.add_parser("push", help="check a menu and give it to WeChat")
        push.add_argument("file", help="a file of JSON, or - for what is typed or piped in")
        steps.add_parser("delete", help="remove the menu")
        steps.add_parser("example", help="print a menu of the bot's commands, as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        match options["step"]:
            case "example":
                self.stdout.write(write_menu(EXAMPLE))
            case "show":
                self._show(_call(lambda client: client.get_menu()))
            case "push":
                self._push(options["file"])
            case "delete":
                _call(lambda client: client.delete_menu())
                self.stdout.write(_("The menu is removed."))

    def _show(self, menu: Menu) -> None:
        if menu:
            self.stdout.write(write_menu(menu))
        else:
            self.stderr.write(_("There is no menu."))

    def _push(self, name: str) -> None:
        try:
            menu = read_menu(_read(name))
        except BadMenu as bad:
            raise CommandError(str(bad)) from None
        for note in menu_notes(menu):
            self.stderr.write(self.style.WARNING(note))
        _call(lambda client: client.create_menu(menu))
        self.stdout.write(
            _("WeChat has the menu. A phone shows it when its chat is opened after five minutes.")
        )


def _read(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        text = _("%(name)s cannot be read: %(error)s")
        raise CommandError(text % {"name": name, "error": error}) from None


def _call(use: Callable[[WeChatClient], Awaitable[Answer]]) -> Answer:
    """Return what WeChat answers; raises CommandError with what to do."""
    try:
        return ask_wechat(use)
    except ApiError as error:
        if error.reaction is not Reaction.NOT_ALLOWED:
            raise CommandError(str(error)) from None
        text = _("WeChat does not let this account set up its menu in this way: %(error)s")
        hint = _("Unverified subscription accounts do it in WeChat's console.")
        raise CommandError(f"{text % {'error': error}} {hint}") from None
    except WeChatError as error:
        raise CommandError(str(error)) from None
