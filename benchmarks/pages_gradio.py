"""A peer of pages.py: Gradio's chat interface, started by its own Python."""

import os
from collections.abc import AsyncIterator

import gradio as gr
from pages_agents import said


async def answer(message: str, history: list[object]) -> AsyncIterator[str]:
    text = ""
    async for piece in said(message):
        text += piece
        yield text


chat = gr.ChatInterface(answer, save_history=True).queue(default_concurrency_limit=20)
chat.launch(server_name="127.0.0.1", server_port=int(os.environ["PORT"]), quiet=True)
