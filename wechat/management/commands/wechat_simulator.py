"""`manage.py wechat_simulator`: chat with the site as a follower, without a WeChat account."""

from __future__ import annotations

import asyncio
import re
import sys
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from wechat.simulator import NotLoopback, OfficialAccount, Simulator
from wechat.simulator.sender import require_loopback
from wechat.simulator.terminal import Terminal

#: Where the API is served if the settings name no port of this machine.
PORT = 8900
_DEFAULT_OPENID = "o" + "simulated_follower".ljust(27, "0")
# A site on every interface is on loopback too.
_ANY = ("0.0.0.0", "::")  # noqa: S104
_AES_KEY = re.compile(r"[A-Za-z0-9+/]{43}")


class Command(BaseCommand):
    help = (
        "Plays WeChat on this machine: what you type is posted to the site, signed and encrypted, "
        "as the words of a follower; replies and messages are printed. Without options it is "
        "the account that the WECHAT_* settings name."
    )
    requires_system_checks = ()  # those are for the site, which makes them itself

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--target", help="the webhook's URL; the site's own by default")
        parser.add_argument("--mode", choices=["plain", "compatible", "secure"])
        parser.add_argument("--token", help="WECHAT_TOKEN of the site")
        parser.add_argument("--aes-key", help="WECHAT_AES_KEY of the site")
        parser.add_argument("--app-id", help="WECHAT_APP_ID of the site")
        parser.add_argument("--secret", help="WECHAT_APP_SECRET of the site")
        parser.add_argument("--openid", default=_DEFAULT_OPENID, help="who is chatting")
        parser.add_argument("--port", type=int, help=f"of the API that is played, {PORT} or set")
        kind = parser.add_mutually_exclusive_group()
        kind.add_argument(
            "--verified",
            action="store_true",
            default=True,
            help="a verified account, which may send messages unasked (the default)",
        )
        kind.add_argument(
            "--personal",
            dest="verified",
            action="store_false",
            help="one that may only reply, as a personal account",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        account = the_account(options)
        if account.encrypts and not _AES_KEY.fullmatch(account.aes_key):
            raise CommandError("The AES key must have 43 letters and digits.")
        port = options["port"] if options["port"] is not None else _set_port() or PORT
        try:
            target = require_loopback(options["target"] or site_url())
            simulator = Simulator(account, port=port)
        except NotLoopback as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(
                f"The API cannot be served on port {port}: {error.strerror}."
            ) from None
        simulator.connect(target)
        try:
            asyncio.run(self._chat(simulator, options["openid"]))
        except KeyboardInterrupt:
            self._say("")

    async def _chat(self, simulator: Simulator, openid: str) -> None:
        async with simulator:
            await self._introduce(simulator)
            follower = simulator.follower(openid)
            await Terminal(simulator, follower, self._say).run(sys.stdin)

    async def _introduce(self, simulator: Simulator) -> None:
        """Say where everything is, and what the site must be started with where it is not yet."""
        kind = "verified" if simulator.account.is_verified else "personal"
        mode, site = simulator.account.mode, simulator.sender.target
        self._say(f"A {kind} account in {mode} mode; its API is {simulator.url}, the site {site}.")
        missing = {
            name: value
            for name, value in simulator.settings().items()
            if value != getattr(settings, name)
        }
        if missing:
            self._say("\nThe site must be started with these settings, say in its .env file:\n")
            for name, value in missing.items():
                self._say(f"{name}={value}")
            self._say("")
        if not await simulator.verify():
            self._say("The site does not answer as it should yet: is it running, and so set?")
        self._say("Type what you want to say; /simulator shows what else you can do.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def the_account(options: dict[str, Any]) -> OfficialAccount:
    """Return the account of the settings, where they lack something one kept for this site.

    Options outdo both.
    """
    made = OfficialAccount.kept(settings.SECRET_KEY, is_verified=options["verified"])
    wanted: dict[str, Any] = {
        "token": options["token"] or settings.WECHAT_TOKEN,
        "aes_key": options["aes_key"] or settings.WECHAT_AES_KEY,
        "app_id": options["app_id"] or settings.WECHAT_APP_ID,
        "secret": options["secret"] or settings.WECHAT_APP_SECRET,
        "original_id": settings.WECHAT_ORIGINAL_ID,
        # Without a token the settings say nothing of a mode; they do have a default for it.
        "mode": options["mode"] or (settings.WECHAT_MODE if settings.WECHAT_TOKEN else ""),
    }
    return replace(made, **{name: value for name, value in wanted.items() if value})


def site_url() -> str:
    host = settings.BOTFLOW_HOST
    if host in ("", *_ANY):
        host = "127.0.0.1"
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{settings.BOTFLOW_PORT}/{settings.WECHAT_PATH.strip('/')}"


def _set_port() -> int | None:
    """Return the port of WECHAT_API_BASE_URL if that is on this machine."""
    try:
        return urlsplit(require_loopback(settings.WECHAT_API_BASE_URL)).port
    except NotLoopback:
        return None
