"""The peer of chat.py: save, answer in a task of the same process, reply on the socket.

What it leaves out: identity, order, resume, retries, a queue that survives, more than one process.
With DURABLE each message and reply is committed before it is shown; else commits follow later.
"""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

DURABLE = bool(os.environ.get("DURABLE"))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    path = Path(os.environ["BOTFLOW_DATA_DIR"]) / "peer.sqlite3"
    app.state.db = await aiosqlite.connect(path)
    await app.state.db.execute("PRAGMA journal_mode=WAL")
    await app.state.db.execute("PRAGMA synchronous=NORMAL")
    await app.state.db.execute(
        "CREATE TABLE message (id TEXT PRIMARY KEY, role TEXT, content TEXT, created REAL)"
    )
    saver = asyncio.create_task(save_now_and_then(app))
    yield
    saver.cancel()
    await app.state.db.close()


app = FastAPI(lifespan=lifespan)


async def save_now_and_then(app: FastAPI) -> None:
    while True:
        await asyncio.sleep(1)
        await app.state.db.commit()


async def save(message_id: str, role: str, content: str) -> None:
    await app.state.db.execute(
        "INSERT INTO message VALUES (?, ?, ?, julianday('now'))", (message_id, role, content)
    )
    if DURABLE:
        await app.state.db.commit()


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.websocket("/ws/chat")
async def chat(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_json({"type": "welcome"})
    try:
        while True:
            frame = await socket.receive_json()
            await save(uuid.uuid4().hex, "user", frame["content"])
            asyncio.create_task(answer(socket, frame["content"]))  # noqa: RUF006  (as the plan has it)
    except WebSocketDisconnect:
        return


async def answer(socket: WebSocket, content: str) -> None:
    message_id, offset = uuid.uuid4().hex, 0
    for word in content.split(" "):
        text = word if offset == 0 else f" {word}"
        await socket.send_json({"type": "delta", "id": message_id, "offset": offset, "text": text})
        offset += len(text)
    await save(message_id, "assistant", content)
    await socket.send_json(
        {"type": "message", "id": message_id, "role": "assistant", "content": content}
    )
