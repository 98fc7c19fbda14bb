"""The default install loads nothing of LangChain, of OpenAI's package, or of what they need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.harness.environment import ROOT
from tests.site.start_process import environment

#: What the web server and a worker import and do before the first message, in one process.
CODE = """
import json, sys
import botflow_site.asgi
import scheduling.cluster, scheduling.worker
from scheduling.performing import prepare
from django.core.management import call_command
call_command("check")
prepare()
print(json.dumps(sorted(sys.modules)))
"""
HEAVY = ("aiohttp", "langchain", "langgraph", "langsmith", "openai", "pydantic")


def modules(folder: Path, **settings: str) -> set[str]:
    """Return the top-level packages among HEAVY that such a site has loaded."""
    env = environment(BOTFLOW_DATA_DIR=str(folder), **settings)
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=True
    )
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}
    return {name for name in loaded if name.startswith(HEAVY)}


def test_a_site_that_echoes_loads_no_client_and_no_framework(tmp_path: Path) -> None:
    assert modules(tmp_path) == set()


def test_a_site_on_a_model_loads_the_client_and_no_framework(tmp_path: Path) -> None:
    assert modules(tmp_path, BOTFLOW_AGENT="openai_compatible", BOTFLOW_MODEL="m") == {"aiohttp"}
