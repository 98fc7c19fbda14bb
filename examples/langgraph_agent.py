"""A LangGraph agent with a tool of its own, and with BotFlow's tools beside it.

BOTFLOW_AGENT=examples.langgraph_agent.build
"""

from datetime import date
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from conversations.agents.langchain.tools import botflow_tools

PROMPT = (
    "You help people plan. Count days with your tool, never in your head. Set reminders up when "
    "you are asked to, and say when they will come. Answer in the language of the user."
)


@tool
def days_between(first: date, second: date) -> int:
    """Count the days from the first date to the second, negative if that is earlier."""
    return (second - first).days


def build() -> Any:
    """Return the graph: BotFlow calls this once in each worker."""
    if not settings.BOTFLOW_MODEL:
        raise ImproperlyConfigured("Set BOTFLOW_MODEL, and OPENAI_BASE_URL for its server.")
    model = ChatOpenAI(
        model=settings.BOTFLOW_MODEL,
        base_url=settings.OPENAI_BASE_URL,
        # The client wants one even where the server does not.
        api_key=SecretStr(settings.OPENAI_API_KEY or "none"),
        temperature=settings.BOTFLOW_TEMPERATURE,
        stream_usage=True,
        # The queue tries again by itself, and honors Retry-After.
        max_retries=0,
    )
    return create_agent(model, tools=[days_between, *botflow_tools()], system_prompt=PROMPT)
