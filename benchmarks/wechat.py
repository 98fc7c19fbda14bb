"""Measures many WeChat messages held at once, beside the example of wechatpy's manual on Flask.

    python benchmarks/wechat.py [--messages 300] [--agents 1,2,4,8] [--concurrency 400]

Starts BotFlow (one daphne and one qcluster with one worker on SQLite, plain mode, an account that
may only reply) and the peer (Flask's own server, a thread for each request), one after the other,
on loopback. For each agent so many followers send a message in the same moment, as WeChat does:
each request is given up after 5 s and sent again, three in all. Prints the time from the request
that was answered to its reply, how many followers got their answer at all, the requests and agent
turns that took, and the memory. The load generator shares the machine with what it measures.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import itertools
import os
import re
import secrets
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psutil
from chat import ROOT, botflow, free_port, running, wait_for
from waiting import processes

TOKEN = "tokenOfTheBenchmark"
# As WeChat does it: seconds until it hangs up, and requests for one message.
PATIENCE, REQUESTS = 5.0, 3
message_ids = itertools.count(time.time_ns())


@dataclass
class Round:
    """What came of the messages of one agent; seconds."""

    agent: str
    replies: list[float] = field(default_factory=list)
    since_sent: list[float] = field(default_factory=list)
    #: Answered by the first of their requests.
    at_first: int = 0
    requests: int = 0
    lost: int = 0
    turns: int = 0
    megabytes: float = 0.0

    def row(self) -> str:
        cells = [f"{quantile(self.replies, at):7.3f}" for at in (0.5, 0.99, 1.0)]
        cells += [f"{quantile(self.since_sent, at):7.3f}" for at in (0.5, 1.0)]
        whole = len(self.replies) + self.lost
        counts = f"{self.at_first:5} {len(self.replies):4}/{whole:<4}"
        return "  ".join(
            [*cells, f"{counts} {self.requests:6} {self.turns:6} {self.megabytes:5.0f}"]
        )


def quantile(values: list[float], at: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(at * len(ordered)), len(ordered) - 1)] if ordered else float("nan")


# -- WeChat ----------------------------------------------------------------------------------------


def query_of(openid: str) -> str:
    moment, nonce = str(int(time.time())), str(secrets.randbelow(10**9))
    signature = hashlib.sha1("".join(sorted([TOKEN, moment, nonce])).encode()).hexdigest()
    return urlencode(
        {"signature": signature, "timestamp": moment, "nonce": nonce, "openid": openid}
    )


def xml_of(openid: str, text: str) -> bytes:
    return (
        "<xml><ToUserName><![CDATA[gh_0123456789ab]]></ToUserName>"
        f"<FromUserName><![CDATA[{openid}]]></FromUserName>"
        f"<CreateTime>{int(time.time())}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        f"<Content><![CDATA[{text}]]></Content><MsgId>{next(message_ids)}</MsgId></xml>"
    ).encode()


async def post(port: int, openid: str, body: bytes) -> str:
    """Return what is answered; by hand, so that the generator takes little of the processor."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        head = f"POST /wechat?{query_of(openid)} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        head += f"Content-Type: text/xml\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        writer.write(f"{head}\r\n".encode() + body)
        answer = await reader.read()
    finally:
        writer.close()
    return answer.partition(b"\r\n\r\n")[2].decode()


async def tell(port: int, found: Round) -> None:
    """Send one message until it is answered with `waited …`, which it is not if too late."""
    openid = f"o{secrets.token_urlsafe(20)[:27]}"
    body, sent = xml_of(openid, found.agent), time.perf_counter()
    for number in range(REQUESTS):
        began = time.perf_counter()
        found.requests += 1
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                answer = await post(port, openid, body)
            if re.search(r"waited [\d.]+ s", answer):
                found.replies.append(time.perf_counter() - began)
                found.since_sent.append(time.perf_counter() - sent)
                found.at_first += number == 0
                return
            break  # any other answer ends it too
        await asyncio.sleep(max(began + PATIENCE - time.perf_counter(), 0))
    found.lost += 1


async def burst(port: int, agent: str, messages: int, memory: Callable[[], float]) -> Round:
    found = Round(agent)
    told = [asyncio.create_task(tell(port, found)) for _ in range(messages)]
    await asyncio.sleep(min(float(agent), PATIENCE) * 0.8)
    found.megabytes = memory()
    await asyncio.gather(*told)
    return found


# -- the two servers -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Server:
    name: str
    port: int
    roots: list[psutil.Process]
    #: How many turns its agent has had so far.
    turns: Callable[[], int]

    def megabytes(self) -> float:
        return sum(one.memory_full_info().uss for one in processes(self.roots)) / 2**20


@contextlib.contextmanager
def site(options: argparse.Namespace) -> Iterator[Server]:
    with tempfile.NamedTemporaryFile() as turns:
        settings = {
            "BOTFLOW_AGENT": "benchmarks.wechat_agent.waits",
            "BOTFLOW_CONCURRENCY": str(options.concurrency),
            "WECHAT_TOKEN": TOKEN,
            "WECHAT_APP_ID": "wx0123456789abcdef",
            "WECHAT_REPLY": "passive",
            # Takes plain messages as well, without a warning in between.
            "WECHAT_MODE": "compatible",
            "WECHAT_AES_KEY": "0123456789" * 4 + "abc",
            "ALLOWED_HOSTS": "127.0.0.1,wechat.example.org",
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "TURNS": turns.name,
        }
        with botflow(1, settings) as (url, roots):
            port = urlsplit(url).port or 0
            yield Server("BotFlow", port, roots, lambda: Path(turns.name).stat().st_size)


@contextlib.contextmanager
def peer() -> Iterator[Server]:
    port = free_port()
    url = f"http://127.0.0.1:{port}/turns"
    with tempfile.TemporaryDirectory(prefix="botflow-bench-") as folder:
        env = {**os.environ, "BOTFLOW_DATA_DIR": folder, "WECHAT_TOKEN": TOKEN}
        flask = [sys.executable, "-m", "flask", "--app", "benchmarks/wechat_peer.py", "run"]
        with running([*flask, "--port", str(port)], env=env) as started:
            wait_for(url)
            roots = [psutil.Process(one.pid) for one in started]
            yield Server("peer", port, roots, lambda: read_number(url))


def read_number(url: str) -> int:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return int(answer.read())


def measure(server: Server, options: argparse.Namespace) -> list[Round]:
    asyncio.run(burst(server.port, "0", 20, lambda: 0.0))  # to warm up
    rounds = []
    for agent in options.agents:
        before = server.turns()
        found = asyncio.run(burst(server.port, agent, options.messages, server.megabytes))
        found.turns = server.turns() - before
        rounds.append(found)
        print(f"{server.name:8} {agent:>5} s  {found.row()}", flush=True)
    return rounds


def compare(ours: Round, theirs: Round) -> str:
    if not theirs.replies:
        return f"agent of {ours.agent} s: the peer answers nobody, after {theirs.turns} turns"
    cells = []
    for name, at in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
        ratio = quantile(ours.replies, at) / quantile(theirs.replies, at)
        cells.append(f"{name} {ratio:.2f}")
    turns = f"{ours.turns / theirs.turns:.2f} of the turns"
    return f"agent of {ours.agent} s: BotFlow takes {', '.join(cells)} times as long, {turns}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", default=300, type=int)
    parser.add_argument("--agents", default="1,2,4,8", type=lambda text: text.split(","))
    parser.add_argument("--concurrency", default=400, type=int)
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    print(
        "server     agent   the reply's p50, p99, max    since sent p50, max"
        "     first   answered  asked  turns    MB"
    )
    with site(options) as server:
        own = measure(server, options)
    if options.no_peer:
        return
    with peer() as server:
        others = measure(server, options)
    for ours, theirs in zip(own, others, strict=True):
        print(f"  {compare(ours, theirs)}")


if __name__ == "__main__":
    main()
