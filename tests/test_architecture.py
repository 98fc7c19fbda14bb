"""Imports point down the list of apps, and functions and files stay short."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# An app may import itself and what comes after it.
APPS = ["botflow_site", "wechat", "conversations", "scheduling"]
LONGEST_FUNCTION, LONGEST_FILE = 60, 400


def sources(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if "migrations" not in path.parts]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield (app, line) of every import, wherever in the module it stands."""
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0], node.lineno
            # importlib.import_module("…") and import_string("…") of a fixed path.
            case ast.Call(func=function, args=[ast.Constant(value=str(path)), *_]):
                name = getattr(function, "attr", getattr(function, "id", ""))
                if name in ("import_module", "import_string"):
                    yield path.partition(".")[0], node.lineno


def upward(app: str, source: str) -> list[tuple[str, int]]:
    """Return the imports of a module of `app` that point up the list."""
    above = APPS[: APPS.index(app)]
    return [(name, line) for name, line in imported(ast.parse(source)) if name in above]


@pytest.mark.parametrize("path", sources(*APPS), ids=name_of)
def test_no_import_points_up(path: Path) -> None:
    app = path.relative_to(ROOT).parts[0]

    assert upward(app, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import conversations.models",
        "from conversations import models",
        "def f():\n    from conversations.models import Message",
        "if TYPE_CHECKING:\n    from conversations.models import Message",
        "import_string('conversations.models.Message')",
    ],
)
def test_an_upward_import_is_seen_wherever_it_hides(source: str) -> None:
    assert [name for name, _ in upward("scheduling", source)] == ["conversations"]
    assert upward("botflow_site", source) == []


def test_no_import_is_relative() -> None:
    """A relative import would pass the test above unseen."""
    relative = [
        f"{name_of(path)}:{node.lineno}"
        for path in sources(*APPS)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]

    assert relative == []


def test_triggers_know_nothing_of_django() -> None:
    for path in (ROOT / "scheduling").glob("triggers*.py"):
        names = {name for name, _ in imported(ast.parse(path.read_text(encoding="utf-8")))}

        assert names.isdisjoint({"django", *APPS}), path


@pytest.mark.parametrize("path", sources(*APPS, "tests", "benchmarks"), ids=name_of)
def test_files_and_functions_are_short(path: Path) -> None:
    source = path.read_text(encoding="utf-8")

    assert len(source.splitlines()) <= LONGEST_FILE
    assert [
        f"{node.name}: {lines} lines"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    ] == []


@pytest.mark.parametrize("path", sources(*APPS), ids=name_of)
def test_every_module_says_its_place(path: Path) -> None:
    source = path.read_text(encoding="utf-8")

    assert not source.strip() or ast.get_docstring(ast.parse(source))
