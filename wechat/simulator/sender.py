"""Posts messages to a site as WeChat does: signed, encrypted, given up after 5 s, sent again."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit

import httpx

from wechat.simulator import payloads
from wechat.simulator.account import OfficialAccount
from wechat.simulator.payloads import Fields
from wechat.simulator.replies import Reply, ServiceFault, read_reply
from wechat.simulator.secrecy import encrypt, sign

#: Seconds after which WeChat hangs up, and how often it sends one message in all.
HANGS_UP_AFTER, REQUESTS = 5.0, 3
_HEADERS = {"Content-Type": "text/xml", "User-Agent": "Mozilla/4.0"}


class NotLoopback(ValueError):
    """The simulator signs as WeChat itself would: it never does so towards another machine."""


def require_loopback(url: str) -> str:
    """Return a URL of this machine as it is; raises NotLoopback for any other."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        is_ours = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_ours = False
    if parts.scheme not in ("http", "https") or not is_ours:
        raise NotLoopback(f"{url!r} is not an http address of this machine, such as 127.0.0.1.")
    return url


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request: when it began, on the clock of `time.monotonic`, and what came of it."""

    started: float
    seconds: float
    status: int = 0
    body: bytes = b""
    #: Why no answer came: "hung up", or the name of the error of the connection.
    problem: str = ""


@dataclass(slots=True)
class Exchange:
    """One message to the site, its requests so far, and the answer as WeChat takes it."""

    fields: Fields
    attempts: list[Attempt] = field(default_factory=list)
    reply: Reply | None = None
    #: Why the follower is shown SERVICE_FAULT instead of a reply; "" if that is not so.
    fault: str = ""

    @property
    def text(self) -> str:
        """What the follower is told at once; "" for nothing."""
        return self.reply.text if self.reply else ""


class Sender:
    """Sends for one account to one target; belongs to the event loop that uses it first."""

    def __init__(
        self,
        account: OfficialAccount,
        *,
        hangs_up_after: float = HANGS_UP_AFTER,
        requests: int = REQUESTS,
        media: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.account = account
        self.target = ""
        self.hangs_up_after = hangs_up_after
        self.requests = requests
        #: Whether a repeated request has a timestamp and nonce of its own; not known of WeChat.
        self.signs_again = True
        self._media = media
        self._client: httpx.AsyncClient | None = None
        # Of this process and moment, so that two simulators on one site do not use one twice.
        self._message_ids = count(time.time_ns() // 100)
        self._events: set[tuple[str, ...]] = set()

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    # -- sending ---------------------------------------------------------------------------------

    async def deliver(self, fields: Fields, openid: str) -> Exchange:
        """Send a message or event until the site answers, three times at most."""
        return await self.deliver_again(Exchange(self.complete(fields, openid)))

    async def deliver_again(self, exchange: Exchange) -> Exchange:
        """Send what has been sent before, as if WeChat had not seen an answer to it."""
        openid = str(exchange.fields["FromUserName"])
        signed = self.signed(exchange.fields)
        for _ in range(self.requests):
            attempt = await self._post(*signed, openid)
            exchange.attempts.append(attempt)
            if not attempt.problem:
                self._judge(exchange, attempt, openid)
                return exchange
            if self.signs_again:
                signed = self.signed(exchange.fields)
        exchange.fault = f"No answer to {self.requests} requests: {attempt.problem}."
        return exchange

    async def _post(self, query: dict[str, str], body: bytes, openid: str) -> Attempt:
        http, query = self._http(), {**query, "openid": openid}
        started = time.monotonic()
        try:
            async with asyncio.timeout(self.hangs_up_after):
                answer = await http.post(self.target, params=query, content=body)
        except TimeoutError:
            return Attempt(started, time.monotonic() - started, problem="hung up")
        except httpx.HTTPError as error:
            seconds = time.monotonic() - started
            return Attempt(started, seconds, problem=type(error).__name__)
        return Attempt(started, time.monotonic() - started, answer.status_code, answer.content)

    def _judge(self, exchange: Exchange, attempt: Attempt, openid: str) -> None:
        """Take the answer as WeChat does: a wrong one is a fault, and nothing is sent again."""
        try:
            exchange.reply = read_reply(
                attempt.status,
                attempt.body,
                account=self.account,
                openid=openid,
                media=self._media(),
            )
        except ServiceFault as fault:
            exchange.fault = str(fault)

    async def verify(self) -> bool:
        """Ask as WeChat does when the address is entered in its console; whether it is right."""
        echo = str(secrets.randbelow(10**19))
        # In every mode the same: nothing is encrypted yet.
        signed, _body = self.signed({})
        query = {name: signed[name] for name in ("signature", "timestamp", "nonce")}
        http = self._http()
        try:
            async with asyncio.timeout(self.hangs_up_after):
                answer = await http.get(self.target, params={**query, "echostr": echo})
        except (TimeoutError, httpx.HTTPError):
            return False
        return answer.status_code == 200 and answer.text == echo

    # -- making ----------------------------------------------------------------------------------

    def complete(self, fields: Fields, openid: str) -> Fields:
        """Return a message with its sender, time and id, an event with a second of its own."""
        named = {"ToUserName": self.account.original_id, "FromUserName": openid}
        created_at = int(time.time())
        if fields["MsgType"] != "event":
            return {**named, "CreateTime": created_at, **fields, "MsgId": next(self._message_ids)}
        # An event is known by its second: WeChat has no two alike of one follower within it.
        what = (openid, str(fields["Event"]), str(fields.get("EventKey", "")))
        while (*what, str(created_at)) in self._events:
            created_at += 1
        self._events.add((*what, str(created_at)))
        return {**named, "CreateTime": created_at, **fields}

    def signed(self, fields: Fields) -> tuple[dict[str, str], bytes]:
        """Return the query and the body of a request, signed now, as the account's mode has it."""
        account = self.account
        moment, nonce = str(int(time.time())), str(secrets.randbelow(9 * 10**8) + 10**8)
        query = {
            "signature": sign(account.token, moment, nonce),
            "timestamp": moment,
            "nonce": nonce,
        }
        xml = payloads.to_xml(fields)
        if not account.encrypts:
            return query, xml.encode()
        ciphertext = encrypt(xml, account.aes_key, account.app_id)
        shown = fields if account.mode == "compatible" else {"ToUserName": account.original_id}
        query["encrypt_type"] = "aes"
        query["msg_signature"] = sign(account.token, moment, nonce, ciphertext)
        return query, payloads.to_xml({**shown, "Encrypt": ciphertext}).encode()

    def _http(self) -> httpx.AsyncClient:
        if not self.target:
            raise NotLoopback("The simulator has not been connected to a site.")
        if self._client is None:
            self._client = httpx.AsyncClient(
                headers=_HEADERS,
                # Each request is given up as a whole; this is for one that slipped through.
                timeout=self.hangs_up_after * 2,
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
                trust_env=False,
            )
        return self._client
