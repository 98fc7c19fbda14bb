"""`manage.py wechat_simulator` lets a developer chat with a site from a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.harness.environment import ROOT, neutral
from tests.harness.polling import free_port, wait_until
from tests.wechat_site.conftest import Webhook


class Typed:
    """The command with its terminal: lines go in, and what it printed is in `screen`."""

    def __init__(self, folder: Path, *options: str, **settings: str) -> None:
        self._log = (folder / "screen.txt").open("w+b")
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "wechat_simulator", "--port", "0", *options],
            cwd=ROOT,
            env=neutral()
            | {"DJANGO_SETTINGS_MODULE": "botflow_site.settings", "BOTFLOW_DATA_DIR": str(folder)}
            | settings,
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
        )

    @property
    def screen(self) -> str:
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode()

    def types(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def shows(self, text: str) -> None:
        wait_until(lambda: text in self.screen, f"{text!r} on the screen")

    def ends(self) -> str:
        """Type Ctrl-D; return all that was printed."""
        self.process.communicate(timeout=30)
        assert self.process.returncode == 0, self.screen
        return self.screen

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        self._log.close()


@pytest.fixture
def typed(tmp_path: Path) -> Iterator[type[Typed]]:
    started = []
    numbers = count()

    class Own(Typed):
        def __init__(self, *options: str, **settings: str) -> None:
            folder = tmp_path / str(next(numbers))
            folder.mkdir()
            started.append(self)
            super().__init__(folder, *options, **settings)

    yield Own
    for one in started:
        print(one.screen)  # with a failure
        one.close()


def test_lines_are_said_and_replies_are_printed(typed: type[Typed], webhook: Webhook) -> None:
    webhook.answer = lambda asked: (500, b"") if asked.number == 2 else b"success"
    terminal = typed("--target", webhook.url, "--mode", "plain")
    terminal.shows("Type what you want to say")

    terminal.types("你好")
    terminal.shows("(taken, no reply)")
    terminal.types("//follow me")
    terminal.shows("« 该公众号提供的服务出现故障，请稍后再试")
    terminal.types("/remind in 5m tea")
    terminal.types("/click HELP")
    terminal.ends()

    bodies = [asked.body.decode() for asked in webhook.asked]
    assert "<Content><![CDATA[你好]]></Content>" in bodies[0]
    assert "<Content><![CDATA[/follow me]]></Content>" in bodies[1]
    assert "<Content><![CDATA[/remind in 5m tea]]></Content>" in bodies[2]
    assert "<Event><![CDATA[CLICK]]></Event>" in bodies[3]
    assert "(fault: The status is 500, not 200.)" in terminal.screen


def test_the_last_line_of_a_pipe_is_still_answered(typed: type[Typed], webhook: Webhook) -> None:
    webhook.answer = lambda _asked: webhook.hold(0.5) and b"success"
    terminal = typed("--target", webhook.url)

    terminal.types("wait for me")

    assert "(taken, no reply)" in terminal.ends()


def test_it_says_what_a_site_must_be_started_with_the_same_each_time(
    typed: type[Typed], tmp_path: Path
) -> None:
    port = str(free_port())  # nobody listens there
    terminal = typed("--personal", BOTFLOW_PORT=port, SECRET_KEY="kept")
    again = typed(BOTFLOW_PORT=port, SECRET_KEY="kept")

    first, second = terminal.ends(), again.ends()

    assert "A personal account in secure mode; its API is http://127.0.0.1:" in first
    assert f"the site http://127.0.0.1:{port}/wechat" in first
    assert "The site does not answer as it should yet" in first
    assert environment(first).keys() == {
        *("WECHAT_TOKEN", "WECHAT_APP_ID", "WECHAT_APP_SECRET", "WECHAT_AES_KEY"),
        *("WECHAT_MODE", "WECHAT_API_BASE_URL"),
    }
    changing = {"WECHAT_API_BASE_URL": ""}
    assert environment(first) | changing == environment(second) | changing


def environment(screen: str) -> dict[str, str]:
    lines = [line for line in screen.splitlines() if line.startswith("WECHAT_")]
    return dict(line.split("=", 1) for line in lines)


def test_it_is_the_account_of_the_settings(typed: type[Typed], webhook: Webhook) -> None:
    settings = {
        "WECHAT_TOKEN": "theToken",
        "WECHAT_APP_ID": "wx1234567890abcdef",
        "WECHAT_APP_SECRET": "the secret of the settings",
        "WECHAT_ORIGINAL_ID": "gh_1234",
    }
    terminal = typed("--target", webhook.url, **settings)
    terminal.types("hi")
    terminal.shows("(taken, no reply)")

    screen = terminal.ends()

    assert "in plain mode" in screen
    assert environment(screen).keys() == {"WECHAT_API_BASE_URL"}
    assert b"gh_1234" in webhook.asked[0].body
    assert "the secret" not in screen
    assert "theToken" not in screen


def test_orders_move_the_clock_and_play_faults(typed: type[Typed], webhook: Webhook) -> None:
    terminal = typed("--target", webhook.url)
    for line in ("/later 49h", "/later soon", "/fail message/custom/send 45047 2", "/menu"):
        terminal.types(line)
    terminal.types("/click")
    terminal.types("/simulator")

    screen = terminal.ends()

    assert "WeChat's clock is 2 days, 1:00 ahead." in screen
    assert "/later takes a time such as" in screen
    assert "message/custom/send is refused with 45047, 2 times." in screen
    assert "There is no menu." in screen
    assert "/click needs a word behind it." in screen
    assert "/unfollow" in screen
    assert webhook.asked == []


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--target", "https://bot.example.com/wechat"], "is not an http address of this machine"),
        (["--aes-key", "short"], "The AES key must have 43 letters and digits."),
    ],
)
def test_it_refuses_what_cannot_work(
    typed: type[Typed], options: list[str], complaint: str
) -> None:
    terminal = typed(*options)

    terminal.process.wait(timeout=30)

    assert terminal.process.returncode == 1
    assert complaint in terminal.screen
