"""Reading: the XML that WeChat posts becomes a dict, and whatever else is posted a BadXml."""

from __future__ import annotations

from typing import Any, TypeAlias
from xml.parsers import expat

Value: TypeAlias = "str | dict[str, Value] | list[Value]"

# WeChat's deepest message, the one about published articles, has five levels and some dozens of
# elements.
MAX_DEPTH = 6
MAX_ELEMENTS = 1000
#: Fields that are text wherever they occur: whoever reads them need not look.
SCALARS = {
    *("ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "MsgID", "MsgDataId"),
    *(
        "Idx",
        "Encrypt",
        "Event",
        "EventKey",
        "MenuId",
        "Ticket",
        "Status",
        "Content",
        "bizmsgmenuid",
    ),
    *("PicUrl", "MediaId", "MediaId16K", "ThumbMediaId", "ThumbUrl", "Format", "Recognition"),
    *("Location_X", "Location_Y", "Scale", "Label", "Latitude", "Longitude", "Precision"),
    *("Title", "Description", "Url", "AppId", "PagePath"),
}


class BadXml(ValueError):
    """What arrived is no message of WeChat's; the text says why and repeats nothing of it."""


def read_xml(data: bytes) -> dict[str, Value]:
    """Return the fields of a message: text as it stands, "" when empty, and dicts of fields.

    A field that occurs twice inside another is a list; at the top only one that holds fields may.
    Raises BadXml for all that WeChat never sends: attributes, a document type, entities of its
    own, instructions, text between elements, another encoding than UTF-8.
    """
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadXml("It is not UTF-8.") from None
    return _Reader().read(data)


class _Element:
    """One that is open: its text so far, and the fields in it."""

    __slots__ = ("fields", "name", "text")

    def __init__(self, name: str) -> None:
        self.name = name
        self.text: list[str] = []
        self.fields: dict[str, Value] = {}

    def close(self) -> Value:
        text = "".join(self.text)
        if not self.fields:
            return text
        if text.strip():
            raise BadXml("There is text between elements.")
        if self.name in SCALARS:
            raise BadXml("A field that is text holds elements.")
        return self.fields


class _Reader:
    """Keeps the open elements in a list: depth costs no recursion."""

    def __init__(self) -> None:
        self._open: list[_Element] = []
        self._elements = 0
        self._root: Value = ""

    def read(self, data: bytes) -> dict[str, Value]:
        parser = expat.ParserCreate("UTF-8")
        parser.buffer_text = True
        parser.XmlDeclHandler = _check_declaration
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.ProcessingInstructionHandler = _refuse_instruction
        parser.StartElementHandler = self._start
        parser.CharacterDataHandler = self._text
        parser.EndElementHandler = self._end
        try:
            parser.Parse(data, True)
        except expat.ExpatError:
            raise BadXml("It is not well-formed.") from None
        if isinstance(self._root, dict):
            return self._root
        raise BadXml("It has no fields.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if attributes:
            raise BadXml("An element has an attribute.")
        if len(self._open) == MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise BadXml("It has too many elements.")
        if not self._open and name != "xml":
            raise BadXml("It is not named xml.")
        self._open.append(_Element(name))

    def _text(self, text: str) -> None:
        self._open[-1].text.append(text)

    def _end(self, name: str) -> None:
        value = self._open.pop().close()
        if not self._open:
            self._root = value
            return
        self._add(name, value)

    def _add(self, name: str, value: Value) -> None:
        fields = self._open[-1].fields
        if name not in fields:
            fields[name] = value
            return
        earlier = fields[name]
        is_list = isinstance(value, dict) and not isinstance(earlier, str)
        if len(self._open) == 1 and not is_list:
            raise BadXml("A field occurs twice.")
        if isinstance(earlier, list):
            earlier.append(value)
        else:
            fields[name] = [earlier, value]


def _check_declaration(version: str, encoding: str | None, standalone: int) -> None:
    if encoding and encoding.lower() != "utf-8":
        raise BadXml("It declares another encoding than UTF-8.")


def _refuse_doctype(*_: Any) -> None:
    raise BadXml("It has a document type.")


def _refuse_instruction(*_: Any) -> None:
    raise BadXml("It has a processing instruction.")
