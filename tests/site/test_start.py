"""`manage.py start` makes a site of an empty folder, keeps it running, and takes it down whole."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.harness.environment import ROOT
from tests.harness.polling import free_port, wait_until
from tests.site.start_process import Start, environment, say


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def site(folder: Path) -> Iterator[Start]:
    start = Start(folder)
    try:
        yield start.ready()
    finally:
        start.clean_up()


def test_an_empty_folder_becomes_a_site_that_answers(site: Start) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{site.port}/") as page:
        assert page.status == 200

    assert say(site.port, "hello there") == "hello there"
    assert f"http://127.0.0.1:{site.port}/admin/" in site.output


def test_the_agent_of_the_readme_answers(folder: Path, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = readme.partition("```python\n")[2].partition("```")[0]
    (tmp_path / "mybot.py").write_text(code)

    start = Start(folder, BOTFLOW_AGENT="mybot.reply", PYTHONPATH=str(tmp_path))
    try:
        reply = say(start.ready().port, "hi")
    finally:
        start.clean_up()

    assert reply == "You said 'hi'. We have exchanged 0 messages before."


def test_the_first_start_prints_a_password_and_no_later_one_does(folder: Path) -> None:
    first = Start(folder).ready()
    try:
        assert first.stop() == 0
        second = Start(folder).ready()
        try:
            assert first.password
            assert second.password is None
            assert signs_in(folder, "admin", first.password)
            assert not signs_in(folder, "admin", first.password + "x")
        finally:
            second.clean_up()
    finally:
        first.clean_up()


def signs_in(folder: Path, username: str, password: str) -> bool:
    code = (
        "import django; django.setup()\n"
        "from django.contrib.auth import authenticate\n"
        f"print(authenticate(username={username!r}, password={password!r}))"
    )
    env = environment(BOTFLOW_DATA_DIR=str(folder), DJANGO_SETTINGS_MODULE="botflow_site.settings")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.strip() == username


def test_what_it_makes_is_nobody_elses_to_read(tmp_path: Path) -> None:
    inner = tmp_path / "made" / "data"
    env = environment(BOTFLOW_DATA_DIR=str(inner))

    subprocess.run([sys.executable, "manage.py", "check"], cwd=ROOT, env=env, check=True)

    assert inner.stat().st_mode & 0o077 == 0
    assert (inner / "secret_key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_ends_every_process_and_exits_with_0(site: Start, number: int) -> None:
    assert site.stop(number) == 0

    assert site.survivors() == []
    assert "BotFlow has stopped." in site.output
    assert "Traceback" not in site.output


def test_ctrl_c_in_a_terminal_reaches_the_whole_group_and_is_a_clean_stop(site: Start) -> None:
    os.killpg(site.process.pid, signal.SIGINT)

    assert site.process.wait(timeout=30) == 0
    assert site.survivors() == []
    assert "Traceback" not in site.output


def test_a_killed_web_server_is_back_soon_and_the_cluster_stays(site: Start) -> None:
    killed, cluster = site.child("daphne"), site.child("qcluster")

    killed.kill()

    wait_until(lambda: not killed.is_running() and site.is_healthy(), "a new web server", 10)
    assert site.child("qcluster") == cluster
    assert say(site.port, "still here") == "still here"


def test_a_killed_cluster_is_replaced_and_answers_what_was_said_meanwhile(site: Start) -> None:
    killed = site.child("qcluster")

    killed.kill()

    assert say(site.port, "anyone?") == "anyone?"
    assert site.child("qcluster") != killed


def test_a_web_server_that_keeps_dying_is_started_again_with_pauses(site: Start) -> None:
    killed = None
    for _ in range(3):
        killed = wait_until(
            lambda last=killed: (found := site.find("daphne")) != last and found, "a web server"
        )
        killed.kill()

    wait_until(site.is_healthy, "a web server that lives")
    assert site.output.count("starting it again") == 3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_killing_the_command_itself_leaves_no_process_behind(site: Start) -> None:
    assert len(site.processes()) >= 4

    site.process.kill()
    site.process.wait()

    wait_until(lambda: not site.survivors(), "the end of every process", 20)


def test_a_site_that_was_killed_can_be_started_again_at_once(folder: Path) -> None:
    first = Start(folder).ready()
    try:
        first.process.kill()
        first.process.wait()
        second = Start(folder, first.port)
        try:
            assert say(second.ready().port, "again") == "again"
        finally:
            second.clean_up()
    finally:
        first.clean_up()


def test_a_taken_port_is_one_sentence_and_exit_code_1(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        start = Start(folder, port)

        assert start.process.wait(timeout=30) == 1
    assert f"Port {port} on 127.0.0.1 is in use" in start.output
    assert "Traceback" not in start.output
    assert not (folder / "botflow.sqlite3").exists()


def test_a_database_that_does_not_answer_is_a_sentence_without_the_password(folder: Path) -> None:
    url = f"postgres://someone:secret-word@127.0.0.1:{free_port()}/chat"

    start = Start(folder, DATABASE_URL=url)

    assert start.process.wait(timeout=30) == 1
    assert "DATABASE_URL" in start.output
    assert "Traceback" not in start.output
    assert "secret-word" not in start.output


def test_a_wrong_setting_is_a_sentence_that_names_it(folder: Path) -> None:
    start = Start(folder, BOTFLOW_WORKERS="many")

    assert start.process.wait(timeout=30) == 1
    assert start.output.strip() == (
        "BotFlow cannot start. BOTFLOW_WORKERS must be a number from 1 to 64, not 'many'."
    )


def test_the_database_is_whole_after_a_stop(site: Start, folder: Path) -> None:
    say(site.port, "kept")
    site.stop()

    with closing(sqlite3.connect(folder / "botflow.sqlite3")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = database.execute("SELECT content FROM conversations_message ORDER BY id").fetchall()
    assert rows == [("kept",), ("kept",)]


MAKE_WITHOUT_PYTHON = ["make", "-s", "install", "VENV=.no-such-venv"]


def test_a_machine_without_a_suitable_python_is_told_what_to_install(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("make", "sh"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    old = tools / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)

    done = subprocess.run(
        MAKE_WITHOUT_PYTHON, cwd=ROOT, env={"PATH": str(tools)}, capture_output=True, text=True
    )

    assert done.returncode != 0
    assert "BotFlow needs Python 3.11, 3.12 or 3.13" in done.stderr
