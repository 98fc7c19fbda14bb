"""A peer of pages.py: Chainlit's page, started by `chainlit run` in an environment of its own."""

import chainlit as cl
from pages_agents import said


@cl.on_message
async def answer(message: cl.Message) -> None:
    reply = cl.Message(content="")
    async for piece in said(message.content):
        await reply.stream_token(piece)
    await reply.update()
