"""Reads the one file of a multipart upload."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from typing import cast

from wechat.simulator.state import Medium


def read_upload(content_type: str, body: bytes) -> Medium | None:
    """Return the file in the form field `media`, None if there is none with a file name."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    form = BytesParser(policy=HTTP).parsebytes(head + body)
    if not form.is_multipart():
        return None
    for part in form.iter_parts():
        name = part.get_filename()
        if name and part.get_param("name", header="content-disposition") == "media":
            data = cast(bytes, part.get_payload(decode=True))
            return Medium(data, part.get_content_type(), name)
    return None
