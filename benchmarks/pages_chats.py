"""The chat pages of pages.py: how each is started, ended and found one's way about on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.harness.polling import free_port, wait_until  # noqa: E402
from tests.harness.site import Site  # noqa: E402


class BotFlow:
    """This project's page: a whole site, web server and cluster."""

    name = "BotFlow"

    def __init__(self) -> None:
        self._site = Site(agent="benchmarks.pages_agents.reply")
        self.url = self._site.url

    def start(self) -> None:
        self._site.start_web()
        self._site.start_cluster()
        self._site.wait_ready()

    def kill(self) -> None:
        for group in (self._site.web, self._site.cluster):
            group.kill_all()

    def close(self) -> None:
        self._site.close()

    def field(self, page: Page) -> Locator:
        return page.get_by_role("textbox", name="Your message")


class Peer:
    """A page of another project, which one command starts."""

    def __init__(self, name: str, command: Callable[[int], list[str]]) -> None:
        self.name = name
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}/"
        self._command = command(self._port)
        self._folder = tempfile.mkdtemp(prefix="botflow-pages-")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = {
            "PORT": str(self._port),
            "PYTHONPATH": str(ROOT / "benchmarks"),
            "CHAINLIT_APP_ROOT": self._folder,
            "GRADIO_ANALYTICS_ENABLED": "False",
            "HF_HUB_OFFLINE": "1",
        }
        self._process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            env=os.environ | settings,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self._listens, f"{self.name} to listen", 60)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def kill(self) -> None:
        if self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    close = kill

    def field(self, page: Page) -> Locator:
        return page.locator("textarea, [contenteditable=true]").first


Chat = BotFlow | Peer


def chainlit(program: str) -> Peer:
    app = str(ROOT / "benchmarks/pages_chainlit.py")
    return Peer(
        "Chainlit",
        lambda port: [
            program,
            "run",
            app,
            "--headless",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ],
    )


def gradio(python: str) -> Peer:
    return Peer("Gradio", lambda port: [python, str(ROOT / "benchmarks/pages_gradio.py")])
