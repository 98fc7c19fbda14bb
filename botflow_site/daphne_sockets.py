"""daphne's sockets with bounds and close codes; imported by daphne_limits under daphne alone.

Every override is here because daphne 4.2.3 on autobahn 26.10 and Twisted 26.10 was measured to
need it; tests/server repeats the measurements, and with BOTFLOW_TEST_STOCK=1 on daphne as it comes.
"""

# ruff: noqa: N802, N803, N815  (the names are autobahn's and daphne's)

import asyncio
import logging
import time
from datetime import datetime
from typing import Any

import daphne.server
from daphne.access import AccessLogGenerator
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString

logger = logging.getLogger(__name__)

# How long a client may take to answer a close frame, and how long its data is drained meanwhile.
# txaio cuts the end down to a whole second, so 2 means 1 to 2; autobahn's own 1 can mean at once.
CLOSE_SECONDS = 2
# All of the good-byes at SIGTERM together.
SHUTDOWN_SECONDS = 1.0
# Twisted's own 60 s would let a client hold a connection that long without sending a request.
IDLE_HTTP_SECONDS = 20
POLL_SECONDS = 0.05
# Connections that wait to be accepted. Of 300 that came at once all beyond Twisted's own 50 were
# dropped by the kernel, and tried again after 1 s, then 3 s: of WeChat's patience of 5 s.
BACKLOG = 1024
# RFC 6455's registry: the server restarts, reconnect.
SERVICE_RESTART = 1012
# The whole answer to a request whose body is too long.
_TOO_LARGE_BODY = b'{"code":"too_large","detail":"The request is too large."}'
TOO_LARGE = (
    b"HTTP/1.1 413 Content Too Large\r\nContent-Type: application/json\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(_TOO_LARGE_BODY), _TOO_LARGE_BODY)
)


class BoundedProtocol(WebSocketProtocol):
    """A WebSocket that holds a bounded amount for either side and says why it closes."""

    # Options of autobahn found on the class win over those daphne gives to the factory.
    failByDrop = False  # a close frame (1002, 1007, 1009) where daphne resets the connection
    closeHandshakeTimeout = CLOSE_SECONDS
    autoPingRestartOnAnyTraffic = True  # behind a long queue of frames a pong comes late
    maxFramePayloadSize: int
    maxMessagePayloadSize: int

    max_unsent_bytes: int
    max_unread_frames: int
    is_waiting_for_consumer = False
    is_aborted = False

    # -- what comes in ----------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        super().dataReceived(data)
        # What a client sends before it is accepted piles up unparsed: read no further until then.
        if self.state == self.STATE_CONNECTING:
            self.transport.pauseProducing()

    def onOpen(self) -> None:
        self.transport.resumeProducing()
        super().onOpen()

    def processData(self) -> bool:
        """Parse the next piece, unless the connection failed or the consumer is behind."""
        if self.failedByMe:
            self.data = b""
            return False
        if self.state == self.STATE_OPEN and self._unread_frames() >= self.max_unread_frames:
            # One read of 64 KiB can hold 10,000 frames: the rest of it stays here as bytes.
            self._wait_for_consumer()
            return False
        return bool(super().processData())

    def _unread_frames(self) -> int:
        return int(self.application_queue.qsize())

    def _wait_for_consumer(self) -> None:
        self.transport.pauseProducing()
        if self.is_waiting_for_consumer:
            return
        self.is_waiting_for_consumer = True
        self._look_again_soon()

    def _look_again_soon(self) -> None:
        # daphne runs Twisted on asyncio's loop.
        asyncio.get_running_loop().call_later(POLL_SECONDS, self._look_at_consumer)

    def _look_at_consumer(self) -> None:
        self.last_ping = time.time()  # no ping: the pong would be among what is not read
        if self.state == self.STATE_OPEN and self._unread_frames() > self.max_unread_frames // 2:
            self._look_again_soon()
            return
        self.is_waiting_for_consumer = False
        self.transport.resumeProducing()
        self.consumeData()

    def onMessageFrame(self, payload: list[bytes]) -> None:
        # Empty fragments count nothing against the message limit and would be kept without end.
        super().onMessageFrame([piece for piece in payload if piece])

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if self.state == self.STATE_OPEN:  # after our close frame the client has no more to say
            super().onMessage(payload, isBinary)

    def _fail_connection(self, code: int, reason: str) -> None:
        """Send the close code, half-close, and drain unparsed until the client leaves.

        Closing with unread data in the kernel makes TCP reset the connection, and the reset can
        overtake the close frame: so read on for CLOSE_SECONDS, keeping nothing.
        """
        if self.state == self.STATE_OPEN:
            super()._fail_connection(code, reason)
            self.transport.loseWriteConnection()
        self.failedByMe = True

    # -- what goes out ----------------------------------------------------------------------------

    def serverSend(self, content: str | bytes, binary: bool = False) -> None:
        # autobahn raises once a close frame is out, which would end the consumer without its
        # disconnect event; ASGI lets a send to a closed connection pass.
        if self.state not in (self.STATE_CONNECTING, self.STATE_OPEN):
            return
        # autobahn holds what is sent to the bound of what is received; a page of history is longer.
        bound, self.maxMessagePayloadSize = self.maxMessagePayloadSize, 0
        try:
            super().serverSend(content, binary)
        finally:
            self.maxMessagePayloadSize = bound

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        if self._unsent_bytes() > self.max_unsent_bytes:
            self._abort_slow_reader()
        else:
            super().sendData(data, sync, chopsize)

    def _unsent_bytes(self) -> int:
        # Twisted's producer interface tells only "over 64 KiB" and "empty": a client that keeps
        # pace but never catches up would look like one that reads nothing.
        transport = self.transport
        return len(transport.dataBuffer) - transport.offset + transport._tempDataLen

    def _abort_slow_reader(self) -> None:
        if not self.is_aborted:
            self.is_aborted = True
            logger.warning("Dropped %s: it left %d bytes unread.", self, self._unsent_bytes())
            self.transport.abortConnection()

    # -- shutdown ---------------------------------------------------------------------------------

    def close_for_restart(self) -> None:
        """Tell the client and the consumer, without waiting for one to tell the other."""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=SERVICE_RESTART)
            self.application_queue.put_nowait(
                {"type": "websocket.disconnect", "code": SERVICE_RESTART}
            )


class BoundedRequest(WebRequest):
    """A request whose body is not kept beyond a bound: daphne reads all of it before any view runs.

    What is too long is answered at once, and what still comes is thrown away until the client
    leaves: a connection closed on data that is unread resets it, and the answer might be lost.
    """

    max_body_bytes: int
    received_bytes = 0
    is_refused = False

    def gotLength(self, length: int | None) -> None:
        super().gotLength(0 if length is not None and length > self.max_body_bytes else length)
        if length is not None and length > self.max_body_bytes:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        self.received_bytes += len(data)
        if self.received_bytes > self.max_body_bytes and not self.is_refused:
            self._refuse()
        if not self.is_refused:
            super().handleContentChunk(data)

    def process(self) -> Any:
        if not self.is_refused:
            return super().process()
        self.channel.loseConnection()
        return None

    def _refuse(self) -> None:
        self.is_refused = True
        self.channel.transport.write(TOO_LARGE)
        asyncio.get_running_loop().call_later(CLOSE_SECONDS, self.channel.loseConnection)


class ImpatientHTTPFactory(HTTPFactory):
    """Closes a connection that is silent before, within or between its requests."""

    def __init__(self, server: daphne.server.Server) -> None:
        super().__init__(server)
        self.timeOut = IDLE_HTTP_SECONDS

    def buildProtocol(self, addr: Any) -> Any:
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = BoundedRequest
        return protocol


async def close_sockets(server: daphne.server.Server) -> None:
    """Close every WebSocket with 1012; return when all are gone and handled, or the time is up."""
    sockets = [each for each in server.connections if isinstance(each, BoundedProtocol)]
    for socket in sockets:
        socket.close_for_restart()
    deadline = time.monotonic() + SHUTDOWN_SECONDS
    while any(is_busy(server, each) for each in sockets) and time.monotonic() < deadline:
        await asyncio.sleep(POLL_SECONDS)


def is_busy(server: daphne.server.Server, socket: BoundedProtocol) -> bool:
    details: dict[str, Any] = server.connections.get(socket, {"disconnected": True})
    application = details.get("application_instance")
    return "disconnected" not in details or (application is not None and not application.done())


kill_all_applications = daphne.server.Server.kill_all_applications


def close_then_kill(server: daphne.server.Server) -> Deferred[Any]:
    """Stand in for daphne's shutdown trigger; Twisted waits for the result before it stops.

    A trigger of our own would not do: Twisted starts all of a phase at once, so daphne would
    cancel the consumers while they are told to disconnect.
    """

    def kill(_result: object) -> Deferred[Any]:
        # daphne looks for an application in every connection; a request half received has none,
        # and the KeyError left all others running.
        finished = asyncio.get_running_loop().create_future()
        finished.set_result(None)
        for details in server.connections.values():
            details.setdefault("application_instance", finished)
        return kill_all_applications(server)

    return Deferred.fromFuture(asyncio.ensure_future(close_sockets(server))).addBoth(kill)


def endpoint_with_backlog(reactor: Any, description: str) -> Any:
    """Stand in for Twisted's function of that name, for what says nothing of a backlog itself."""
    if description.startswith("tcp:") and ":backlog=" not in description:
        description = f"{description}:backlog={BACKLOG}"
    return serverFromString(reactor, description)


_write_entry = AccessLogGenerator.write_entry


def write_entry_without_query(
    log: AccessLogGenerator, host: str, date: datetime, request: str, *rest: Any, **more: Any
) -> None:
    """Stand in for daphne's: a query may hold a visitor's token, or a signature of WeChat's."""
    _write_entry(log, host, date, request.partition("?")[0], *rest, **more)


def install(
    max_frame_bytes: int, max_unsent_bytes: int, max_unread_frames: int, max_body_bytes: int
) -> None:
    BoundedRequest.max_body_bytes = max_body_bytes
    BoundedProtocol.maxFramePayloadSize = max_frame_bytes
    BoundedProtocol.maxMessagePayloadSize = max_frame_bytes
    BoundedProtocol.max_unsent_bytes = max_unsent_bytes
    BoundedProtocol.max_unread_frames = max_unread_frames
    WebSocketFactory.protocol = BoundedProtocol
    daphne.server.HTTPFactory = ImpatientHTTPFactory
    daphne.server.serverFromString = endpoint_with_backlog
    AccessLogGenerator.write_entry = write_entry_without_query
    daphne.server.Server.kill_all_applications = close_then_kill
