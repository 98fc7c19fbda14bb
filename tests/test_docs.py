"""What a person or a program can depend on is documented, and the documents lead somewhere."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from botflow_site.metrics import RunCollector
from conversations import consumers, inbound
from tests.test_architecture import APPS, ROOT, sources

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def text_of(*names: str) -> str:
    return "\n".join((ROOT / name).read_text(encoding="utf-8") for name in names)


def first_cells(document: str, *, under: str) -> set[str]:
    """Return the words in backticks in the first cell of each row of the tables in a section."""
    section = re.split(r"^## ", text_of(document), flags=re.MULTILINE)
    [found] = [part for part in section if part.startswith(under)]
    rows = re.findall(r"^\| ([^|]*) \|", found, flags=re.MULTILINE)
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row)}


# -- settings and checks ---------------------------------------------------------------------------


def reads() -> Iterator[ast.Call]:
    """Yield every call in the settings that reads one from the environment."""
    for node in ast.walk(ast.parse(text_of("botflow_site/settings.py"))):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="env")), args=[ast.Constant(), *_]):
                yield node


def setting(call: ast.Call) -> str:
    return str(ast.literal_eval(call.args[0]))


@pytest.mark.parametrize("call", list(reads()), ids=setting)
def test_every_setting_is_documented_with_its_default_and_range(call: ast.Call) -> None:
    rows = re.findall(rf"^\| `{setting(call)}` \|.*$", text_of("docs/settings.md"), re.MULTILINE)

    assert len(rows) == 1
    values = [*call.args[1:2], *(keyword.value for keyword in call.keywords)]
    for value in values:
        if isinstance(value, ast.Constant):
            text = str(value.value)
            said = text.lower() if isinstance(value.value, bool) else text
            assert re.search(rf"(?<![\w.]){re.escape(said)}(?![\d])", rows[0])


def test_every_documented_setting_is_read() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", text_of("docs/settings.md"), re.MULTILINE))

    assert documented == {setting(call) for call in reads()}


def test_the_example_environment_names_every_setting_once() -> None:
    named = re.findall(r"^#([A-Z_]+)=", text_of(".env.example"), re.MULTILINE)

    assert sorted(named) == sorted({setting(call) for call in reads()})


def test_every_check_is_documented() -> None:
    source = text_of(*(str(path.relative_to(ROOT)) for path in sources(*APPS)))

    assert first_cells("docs/settings.md", under="Checks") == set(
        re.findall(
            r'(?:id|code)="((?:botflow|scheduling|conversations|wechat)\.[EWI]\d{3})"', source
        )
    )


# -- operations ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_metric_is_documented() -> None:
    names = {
        f"{metric.name}_total" if metric.type == "counter" else metric.name
        for metric in RunCollector().collect()
    }

    assert first_cells("docs/operations.md", under="Metrics") - {"state", "action"} == names


def test_every_command_is_documented() -> None:
    paths = [path for path in sources(*APPS) if path.parts[-3:-1] == ("management", "commands")]
    names = {path.stem for path in paths} - {"__init__"}

    assert names
    assert {name for name in names if f"manage.py {name}" not in text_of("docs/operations.md")} == (
        set()
    )


# -- the WebSocket ---------------------------------------------------------------------------------

SENDERS = [
    f"conversations/{name}.py"
    for name in ("frames", "consumers", "following", "reading", "inbound")
]


def test_every_frame_of_a_client_is_documented() -> None:
    assert first_cells("docs/websocket.md", under="From the client") == set(inbound._READERS)


def test_every_frame_of_the_server_is_documented() -> None:
    source = text_of(*SENDERS)
    sent = set(re.findall(r'encode\(\s*type="(\w+)"', source))
    sent |= set(re.findall(r'"type":"(\w+)"', source))
    sent |= set(re.findall(r'{"type": "(\w+)",', source))

    assert first_cells("docs/websocket.md", under="From the server") == sent


def test_every_error_code_is_documented() -> None:
    source = text_of(*SENDERS, "conversations/limits.py")
    pattern = r'(?:FrameError|error_frame|_refuse|_send_error)\(\s*"(\w+)"'

    assert first_cells("docs/websocket.md", under="Error codes") == set(re.findall(pattern, source))


def test_every_close_code_is_documented() -> None:
    section = text_of("docs/websocket.md").partition("## Close codes")[2]
    documented = {int(code) for code in re.findall(r"\b(\d{4})\b", section)}
    ours = {consumers.NOT_FOUND, consumers.LOGIN_NEEDED, consumers.TRY_LATER, consumers.FLOODED}

    # The server's own: protocol errors, too large, restart.
    assert documented == ours | {1002, 1007, 1009, 1012}


# -- the documents themselves ----------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file_and_a_title(path: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))

    for link in links:
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        found = (path.parent / target).resolve() if target else path
        assert found.exists(), link
        assert not anchor or anchor in anchors(found), link


def shape(name: str) -> list[str]:
    """Return what of a document is the same in every language: levels, lengths, names, commands."""
    lines = text_of(name).splitlines()
    marks = [re.match(r"#+ |\d+\. |[|*] |    ", line.strip("\n")) for line in lines]
    return [mark[0] for mark in marks if mark]


def test_the_chinese_guide_to_wechat_says_what_the_english_one_does() -> None:
    english, chinese = "docs/wechat.md", "docs/wechat.zh.md"
    names = re.compile(r"\b(?:WECHAT|BOTFLOW|ALLOWED)_[A-Z_]+|manage\.py \w+|--\w+|\b4\d{4}\b")

    assert shape(chinese) == shape(english)
    assert set(names.findall(text_of(chinese))) == set(names.findall(text_of(english)))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_that_is_named_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))

    named = re.findall(r"(?:^    |`|=\S+ )make ([a-z]+)", path.read_text(), re.MULTILINE)

    assert set(named) <= targets
