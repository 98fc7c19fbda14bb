"""Whoever quotes a secret of the site in a log line, the line does not have it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.environment import ROOT
from tests.site.start_process import environment

SECRETS = {
    "OPENAI_API_KEY": "sk-a.very+secret(key)",
    "WECHAT_APP_SECRET": "0123456789abcdef0123456789abcdef",
    "DATABASE_URL": "postgres://u:pass-word-of-db@localhost:5432/x",
    "REDIS_URL": "redis://:pass-word-of-redis@localhost:6379/0",
}
QUOTED = ["sk-a.very+secret(key)", SECRETS["WECHAT_APP_SECRET"], "pass-word-of-db"]
QUOTED += ["pass-word-of-redis"]
CODE = """
import json, logging, sys, django
django.setup()
quoted = json.loads(sys.argv[1])
for secret in quoted:
    logging.getLogger("some.library").warning("asked with %s", secret, extra={"key": secret})
    try:
        raise RuntimeError(f"refused: {secret}")
    except RuntimeError:
        logging.getLogger("an.agent").exception("It failed.")
"""


def logged(folder: Path, code: str, *arguments: str, **settings: str) -> str:
    """Run code on a site of these settings; return what it logs."""
    env = environment(BOTFLOW_DATA_DIR=str(folder), **settings)
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=env | {"DJANGO_SETTINGS_MODULE": "botflow_site.settings"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stderr


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_no_line_has_a_secret(tmp_path: Path, log_format: str) -> None:
    lines = logged(tmp_path, CODE, json.dumps(QUOTED), LOG_FORMAT=log_format, **SECRETS)

    assert lines.count("asked with") == lines.count("refused: ") == len(QUOTED)
    assert [secret for secret in QUOTED if secret in lines] == []
    assert lines.count("[secret]") >= 3 * len(QUOTED)


def test_a_secret_too_short_to_be_told_from_words_leaves_lines_alone(tmp_path: Path) -> None:
    code = "import django, logging; django.setup(); logging.warning('an example')"

    assert "an example" in logged(tmp_path, code, OPENAI_API_KEY="x")
