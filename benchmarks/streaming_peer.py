"""The peer of streaming.py: a Chainlit app that streams the model's answer to its page.

Started by `chainlit run` in an environment of its own. It keeps nothing: Chainlit stores messages
only where a database is added to it.
"""

import json
import os

import aiohttp
import chainlit as cl

ADDRESS = f"{os.environ['OPENAI_BASE_URL']}/chat/completions"
sessions: list[aiohttp.ClientSession] = []


def session() -> aiohttp.ClientSession:
    if not sessions:
        sessions.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
    return sessions[0]


@cl.on_message
async def answer(message: cl.Message) -> None:
    reply = cl.Message(content="")
    question = {"role": "user", "content": message.content}
    payload = {"model": "fake", "stream": True, "messages": [question]}
    async with session().post(ADDRESS, json=payload) as response:
        async for line in response.content:
            if line.startswith(b"data: {"):
                choices = json.loads(line[6:])["choices"]
                if text := choices and choices[0]["delta"].get("content"):
                    await reply.stream_token(text)
    await reply.update()
