"""Each line of the documents that runs an agent starts a site whose agent answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.harness.client import ChatClient
from tests.harness.environment import ROOT
from tests.harness.model import Answer, ModelServer, ToolCall
from tests.harness.site import Site

README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "examples" / "README.md", ROOT / "docs" / "agents.md"]


def lines_of(path: Path) -> list[str]:
    """Return the settings of each line that runs an agent from a file."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"^    ((?:[A-Z_]+=\S+ )+)make run$", text, re.MULTILINE)
    return [line.strip() for line in found if "." in agent_of(line)]


def lines() -> list[str]:
    """Return those of all documents, each once."""
    return list(dict.fromkeys(line for path in DOCUMENTS for line in lines_of(path)))


def settings_of(line: str) -> dict[str, str]:
    return dict(word.split("=", 1) for word in line.split())


def agent_of(line: str) -> str:
    return settings_of(line).get("BOTFLOW_AGENT", "")


def plays_a_tool_user(body: dict[str, Any]) -> Answer:
    last = body["messages"][-1]
    if last["role"] == "tool":
        return Answer(f"好的。{last['content']}")
    call = ToolCall("create_reminder", {"when": "每天早上9点", "text": "喝水"})
    return Answer(tool_calls=[call])


#: What is said to each agent, what its model answers, what its reply holds.
TALKS: dict[str, tuple[str, Any, str]] = {
    "mybot.reply": ("Hi", Answer(), "You said 'Hi'. We have exchanged 0 messages before."),
    "examples.function_agent.reply": ("roll 1d1", Answer(), "🎲 1 = **1**"),
    "examples.faq_agent.FaqAgent": ("Dogs?", Answer("On the terrace."), "On the terrace."),
    "examples.langgraph_agent.build": ("每天早上9点提醒我喝水", plays_a_tool_user, "09:00"),
}


def test_the_readme_has_a_line_for_every_example() -> None:
    assert {agent_of(line) for line in lines_of(README)} == set(TALKS)
    assert len(lines()) == len(TALKS)


@pytest.fixture
def own_agent(tmp_path: Path) -> Path:
    """The folder with the agent that the README shows, beside which there is nothing."""
    readme = README.read_text(encoding="utf-8")
    [code] = [one for one in re.findall(r"```python\n(.*?)```", readme, re.DOTALL) if "Turn" in one]
    (tmp_path / "mybot.py").write_text(code, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("line", lines(), ids=agent_of)
async def test_an_agent_answers_on_a_site_that_its_line_started(line: str, own_agent: Path) -> None:
    said, answer, expected = TALKS[agent_of(line)]
    with ModelServer(answer) as model:
        given = {"OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": "sk", "BOTFLOW_MODEL": "m"}
        given |= {"PYTHONPATH": f"{ROOT}:{own_agent}", **settings_of(line)}
        site = Site(agent=given.pop("BOTFLOW_AGENT"), **given)
        with site:
            site.start_web()
            site.start_cluster()
            site.wait_ready()
            async with ChatClient(site.socket_url) as client:
                reply = await client.answered(await client.say(said), 30)

    assert expected in reply["content"]
