"""Scripts and styles go out compressed to browsers, and as they are to everybody else."""

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from django.test import Client

from conversations import views

URL = "/static/conversations/main.js"
SOURCE = Path(views.__file__).parent / "static" / "conversations" / "main.js"


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


def get(url: str = URL, method: str = "get", **headers: str) -> Answer:
    answer = getattr(Client(), method)(url, headers=headers)
    body = answer.getvalue() if answer.streaming else answer.content
    answer.close()
    return Answer(answer.status_code, answer.headers, body)


def test_a_browser_gets_the_same_script_compressed() -> None:
    answer = get(accept_encoding="gzip, deflate, br")

    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert int(answer.headers["Content-Length"]) == len(answer.body) < 4_000
    assert gzip.decompress(answer.body) == SOURCE.read_bytes()


@pytest.mark.parametrize(
    "headers",
    [{}, {"accept_encoding": "br"}, {"accept_encoding": "gzip;q=0"}],
    ids=["silent", "other", "refusing"],
)
def test_who_does_not_take_it_gets_the_file_itself(headers: dict[str, str]) -> None:
    answer = get(**headers)

    assert "Content-Encoding" not in answer.headers
    assert answer.body == SOURCE.read_bytes()


def test_a_part_is_one_of_the_file_itself() -> None:
    answer = get(accept_encoding="gzip", range="bytes=0-9")

    assert answer.status == 206
    assert answer.body == SOURCE.read_bytes()[:10]


def test_a_known_file_is_not_sent_again_in_either_form() -> None:
    etag = get(accept_encoding="gzip").headers["ETag"]

    for encoding in ("gzip", "identity"):
        answer = get(accept_encoding=encoding, if_none_match=etag)
        assert answer.status == 304
        assert answer.body == b""
    assert get(accept_encoding="gzip", if_none_match='"old"').status == 200


def test_caches_are_told_that_there_are_two_forms() -> None:
    etag = get().headers["ETag"]
    answers = [get(), get(accept_encoding="gzip"), get(if_none_match=etag)]

    assert [answer.headers["Vary"] for answer in answers] == ["Accept-Encoding"] * 3


def test_asking_for_the_headers_alone_sends_no_body() -> None:
    whole, head = (get(method=name, accept_encoding="gzip") for name in ("get", "head"))

    assert head.body == b""
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]


def test_nothing_else_may_be_done_with_a_file() -> None:
    assert get(method="post", accept_encoding="gzip").status == 405


def test_what_a_header_would_outweigh_stays_as_it_is() -> None:
    answer = get("/static/conversations/favicon.svg", accept_encoding="gzip")

    assert "Content-Encoding" not in answer.headers
    assert "Vary" not in answer.headers
