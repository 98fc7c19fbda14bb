"""The simulated follower in a terminal: they do what is typed, and what they see is printed."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TextIO

from wechat.simulator.follower import Follower, Shown
from wechat.simulator.sender import Exchange
from wechat.simulator.simulator import Simulator

HELP = """\
What you type is said to the account. These are done instead:
  /follow [SCENE]          follow it, by the QR code of a scene
  /unfollow                unfollow it
  /click KEY               tap a button of the menu
  /scan SCENE              scan a QR code
  /image  /video  /location  /link URL
  /voice [TEXT]            speak; TEXT is what WeChat understands
  /later 49h               move WeChat's clock: 90s, 30m, 49h, 2d
  /fail PATH CODE [TIMES]  refuse calls: /fail message/custom/send 45047
  /expire                  have the access token expire
  /menu                    show the menu that the site has made
  /calls                   show the calls of the API so far
  /simulator               show this
  //TEXT                   say /TEXT, whatever it is
Other lines with a slash, such as /remind and /help, go to the account like any text.\
"""
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SHOWN = {"reply": "«", "message": "« (sent unasked)", "template": "« (template)", "fault": "«"}
_LINK = re.compile(r'<a href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)


class BadLine(ValueError):
    """A line that is not understood; the message says what is."""


class Terminal:
    """One follower, their lines and their screen."""

    def __init__(
        self, simulator: Simulator, follower: Follower, say: Callable[[str], None]
    ) -> None:
        self._simulator, self._follower, self._say = simulator, follower, say
        self._under_way: set[asyncio.Task[None]] = set()
        follower.on_shown = self._show
        simulator.on_typing = lambda _follower: say("  … is typing")

    async def run(self, lines: TextIO) -> None:
        """Do what each line says until there are no more, then wait for what is under way."""
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._read(lines, queue)
        while (line := await queue.get()) is not None:
            await self._take(line.strip())
        if self._under_way:
            await asyncio.wait(self._under_way)

    @staticmethod
    def _read(lines: TextIO, queue: asyncio.Queue[str | None]) -> None:
        """Read in a thread that need not end: Ctrl-C must not wait for another line."""
        loop = asyncio.get_running_loop()

        def read() -> None:
            for line in lines:
                loop.call_soon_threadsafe(queue.put_nowait, line)
            loop.call_soon_threadsafe(queue.put_nowait, None)

        threading.Thread(target=read, name="terminal", daemon=True).start()

    async def _take(self, line: str) -> None:
        if not line:
            return
        try:
            work = self._work(line)
        except BadLine as error:
            self._say(f"  {error}")
            return
        if work is not None:
            task = asyncio.create_task(self._follow_up(work))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            # So that lines of a pipe arrive in their order; a slow answer keeps nobody from typing.
            await asyncio.wait([task], timeout=0.3)

    async def _follow_up(self, work: Awaitable[Exchange]) -> None:
        """Say what the screen does not: that nothing came, a repeated request, a fault's cause."""
        exchange = await work
        if len(exchange.attempts) > 1:
            self._say(f"  (sent {len(exchange.attempts)} times)")
        if exchange.fault:
            self._say(f"  (fault: {exchange.fault})")
        elif exchange.reply is None:
            self._say("  (taken, no reply)")

    # -- lines -----------------------------------------------------------------------------------

    def _work(self, line: str) -> Awaitable[Exchange] | None:
        """Return what a line has the follower do, None if it is done; raises BadLine."""
        word, _, rest = line.partition(" ")
        rest, follower = rest.strip(), self._follower
        match word:
            case "/follow":
                return follower.follows(rest)
            case "/unfollow":
                return follower.unfollows()
            case "/click" | "/scan" | "/link" if not rest:
                raise BadLine(f"{word} needs a word behind it.")
            case "/click":
                return follower.clicks(rest)
            case "/scan":
                return follower.scans(rest)
            case "/link":
                return follower.sends_link(rest)
            case "/image":
                return follower.sends_image()
            case "/video":
                return follower.sends_video()
            case "/location":
                return follower.sends_location()
            case "/voice":
                return follower.sends_voice(rest or None)
            case _ if word in self._ORDERS:
                self._ORDERS[word](self, rest)
                return None
        return follower.says(line[1:] if line.startswith("//") else line)

    def _later(self, rest: str) -> None:
        found = re.fullmatch(r"(\d{1,6})\s*([smhd])", rest)
        if found is None:
            raise BadLine("/later takes a time such as 90s, 30m, 49h or 2d.")
        by = {_UNITS[found[2]]: int(found[1])}
        self._simulator.advance(**by)
        ahead = self._simulator.platform.clock.ahead
        self._say(f"  WeChat's clock is {_plain(ahead)} ahead.")

    def _fail(self, rest: str) -> None:
        found = re.fullmatch(r"(\S+)\s+(-?\d{1,6})(?:\s+(\d{1,4}))?", rest)
        if found is None:
            raise BadLine("/fail takes a path and a code: /fail message/custom/send 45047 [TIMES].")
        times = int(found[3] or 1)
        self._simulator.fail(found[1], errcode=int(found[2]), times=times)
        self._say(f"  {found[1]} is refused with {found[2]}, {times} times.")

    def _expire(self, _rest: str) -> None:
        self._simulator.expire_tokens()
        self._say("  The access token has expired.")

    def _menu(self, _rest: str) -> None:
        menu = self._simulator.platform.menu
        if menu is None:
            self._say("  There is no menu.")
            return
        for button in menu["button"]:
            for one in button.get("sub_button") or [button]:
                self._say(f"  {one.get('name')}: {one.get('type')} {one.get('key', '')}")

    def _calls(self, _rest: str) -> None:
        for call in self._simulator.calls():
            code = call.answer.get("errcode", 0) if call.answer is not None else "no JSON"
            self._say(f"  {call.at:%H:%M:%S} {call.path}: {code}")

    def _help(self, _rest: str) -> None:
        self._say(HELP)

    _ORDERS = {
        "/later": _later,
        "/fail": _fail,
        "/expire": _expire,
        "/menu": _menu,
        "/calls": _calls,
        "/simulator": _help,
    }

    # -- the screen ------------------------------------------------------------------------------

    def _show(self, shown: Shown) -> None:
        text = _LINK.sub(r"\2 <\1>", shown.text).replace("\n", "\n    ")
        self._say(f"{_SHOWN[shown.how]} {text}")


def _plain(ahead: timedelta) -> str:
    return str(ahead).removesuffix(":00")
