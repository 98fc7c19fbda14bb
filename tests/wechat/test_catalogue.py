"""Every text of the WeChat channel is in its Chinese catalogue, and that catalogue is compiled."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils.translation.template import templatize

from tests.test_architecture import ROOT, sources

FOLDER = Path("locale/zh_Hans/LC_MESSAGES")
#: Of each function: the places of its context, if it has one, and of its texts.
CALLS: dict[str, tuple[int | None, list[int]]] = {
    "_": (None, [0]),
    "gettext": (None, [0]),
    "gettext_lazy": (None, [0]),
    "gettext_noop": (None, [0]),
    "ngettext": (None, [0, 1]),
    "ngettext_lazy": (None, [0, 1]),
    "pgettext": (0, [1]),
    "pgettext_lazy": (0, [1]),
    "npgettext": (0, [1, 2]),
    "npgettext_lazy": (0, [1, 2]),
}
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[a-z]|\{\w*\}")

#: A context and a text, as a compiled catalogue names it.
Key = str
Catalogue = dict[Key, str]


def key_of(context: str | None, text: str) -> Key:
    return f"{context}\x04{text}" if context else text


def texts_of(source: str) -> Iterator[tuple[Key, ...]]:
    """Yield the texts of every call, with the plural where it has one."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name not in CALLS or not node.args:
            continue
        place, places = CALLS[name]
        try:
            context = None if place is None else ast.literal_eval(node.args[place])
            yield tuple(key_of(context, ast.literal_eval(node.args[i])) for i in places)
        except ValueError:  # a variable, whose text stands elsewhere as gettext_noop
            continue


def python_of(template: Path) -> str:
    """Return the texts of a template as calls."""
    calls = templatize(template.read_text("utf-8"), origin=str(template))
    found = re.findall(r"\b(n?p?gettext)\((u?(?:'.*?'|\".*?\").*?)\) ", calls)
    return "\n".join(f"{name}({arguments})" for name, arguments in found)


def texts_in(app: str) -> set[tuple[Key, ...]]:
    found = {text for path in sources(app) for text in texts_of(path.read_text("utf-8"))}
    for path in [*(ROOT / app).rglob("*.html"), *(ROOT / "templates").rglob(f"*{app}*.html")]:
        found |= set(texts_of(python_of(path)))
    return found


def compiled(folder: Path) -> Catalogue:
    """Return the translations of a catalogue, of those with a plural the only form of Chinese."""
    with (folder / "django.mo").open("rb") as file:
        catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    return {
        key[0] if isinstance(key, tuple) else key: text for key, text in catalogue.items() if key
    }


def written(folder: Path) -> list[tuple[Key, str]]:
    """Return the entries of a catalogue's source, in order."""
    entries = []
    for entry in (folder / "django.po").read_text("utf-8").split("\n\n"):
        fields: dict[str, str] = {}
        name = ""
        for line in entry.splitlines():
            if match := re.fullmatch(r'(?:(msg[\w\[\]]+) )?(".*")', line):
                name = match[1] or name
                fields[name] = fields.get(name, "") + ast.literal_eval(match[2])
        if fields.get("msgid"):
            text = fields.get("msgstr", fields.get("msgstr[0]", ""))
            entries.append((key_of(fields.get("msgctxt"), fields["msgid"]), text))
    return entries


def test_every_text_is_translated() -> None:
    catalogue: Catalogue = {}
    for folder in [ROOT / FOLDER, *ROOT.glob(f"*/{FOLDER}")]:
        catalogue |= compiled(folder)

    missing = {texts[0] for texts in texts_in("wechat")} - {k for k, v in catalogue.items() if v}

    assert not missing, "\n".join(sorted(missing))


def test_every_translation_is_of_a_text_that_there_is() -> None:
    texts = {texts[0] for texts in texts_in("wechat")}

    assert {key for key, _ in written(ROOT / "wechat" / FOLDER)} <= texts


def test_translations_keep_the_placeholders() -> None:
    for key, text in written(ROOT / "wechat" / FOLDER):
        assert sorted(PLACEHOLDER.findall(key)) == sorted(PLACEHOLDER.findall(text)), key


@pytest.mark.parametrize("app", ["wechat", "conversations"])
def test_what_is_compiled_is_what_is_written(app: str) -> None:
    entries = written(ROOT / app / FOLDER)

    assert dict(entries) == compiled(ROOT / app / FOLDER)
    assert len(entries) == len(dict(entries))


def test_no_other_catalogue_translates_the_same_text_differently() -> None:
    """Django merges the catalogues of all apps: one of two translations would show everywhere."""
    ours = dict(written(ROOT / "wechat" / FOLDER))

    for app in ("botflow_site", "conversations", "scheduling", ""):
        theirs = dict(written(ROOT / app / FOLDER))
        assert {key for key in ours.keys() & theirs if ours[key] != theirs[key]} == set(), app


def test_texts_are_found_in_code_and_templates(tmp_path: Path) -> None:
    template = tmp_path / "page.html"
    template.write_text(
        "{% load i18n %}{% translate 'One' %}{% translate 'Two' context 'page' %}"
        "{% blocktranslate %}Three {{ x }}{% endblocktranslate %}"
        "{% blocktranslate count n=n %}One day{% plural %}{{ n }} days{% endblocktranslate %}"
    )
    code = "pgettext('a', 'Four'); ngettext('%d day', '%d days', n); _(name)"

    assert set(texts_of(python_of(template))) == {
        ("One",),
        ("page\x04Two",),
        ("Three %(x)s",),
        ("One day", "%(n)s days"),
    }
    assert set(texts_of(code)) == {("a\x04Four",), ("%d day", "%d days")}
