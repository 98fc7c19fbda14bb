"""Who is there: known again by token or session cookie, and shown nobody else's conversation."""

import uuid
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from urllib.request import urlopen

import pytest

from tests.harness.client import ChatClient
from tests.harness.site import Site
from tests.sockets.conftest import Reader
from tests.sockets.refusals import first_frames


def session_cookie(site: Site) -> dict[str, object]:
    """Return what a browser sends that has opened the page."""
    with urlopen(site.url) as page:
        cookies = SimpleCookie()
        for header in page.headers.get_all("Set-Cookie"):
            cookies.load(header)
    return {
        "additional_headers": {"Cookie": f"sessionid={cookies['sessionid'].value}"},
        "origin": site.url,
    }


async def test_a_token_leads_back_to_the_same_conversation(
    client: ChatClient, reader: Reader
) -> None:
    await client.say("words=0", "a")
    await client.answered("a")

    again = await reader(token=client.token)

    assert again.conversation == client.conversation
    assert (await again.ask({"type": "history"}, "history"))["messages"]


async def test_a_session_cookie_leads_back_to_the_same_conversation(
    served: Site, reader: Reader
) -> None:
    cookie = session_cookie(served)

    first, second = await reader(cookie), await reader(cookie)

    assert first.conversation == second.conversation
    assert (await reader(session_cookie(served))).conversation != first.conversation


async def test_without_either_everybody_is_somebody_new(reader: Reader) -> None:
    assert (await reader()).conversation != (await reader()).conversation


@pytest.mark.parametrize("token", ["x", "a:b:c", "{own}x", "é" * 50, "A" * 4000, "\x00"])
async def test_a_forged_token_makes_a_new_visitor(reader: Reader, token: str) -> None:
    client = await reader()

    other = await reader(token=token.format(own=client.token))

    assert other.conversation != client.conversation


@pytest.mark.parametrize(
    "wanted", [str(uuid.uuid4()), "0", "-1", "../admin", "x" * 3000, "\x00", "' OR 1=1 --"]
)
async def test_a_conversation_that_is_not_ones_own_is_not_found(served: Site, wanted: str) -> None:
    frames, code = await first_frames(served, conversation=wanted)

    assert [frame["code"] for frame in frames] == ["not_found"]
    assert code == 4404


async def test_another_visitors_conversation_is_not_found(
    served: Site, client: ChatClient, reader: Reader
) -> None:
    await client.say("secret words=0", "a")
    await client.answered("a")
    stranger = await reader()

    for token in ("", stranger.token):
        frames, code = await first_frames(served, conversation=client.conversation, token=token)
        assert ([frame["code"] for frame in frames], code) == (["not_found"], 4404)


async def test_a_strangers_message_cannot_be_retried(client: ChatClient, reader: Reader) -> None:
    await client.say("words=0", "a")
    reply = await client.answered("a")
    stranger = await reader()
    await stranger.say("words=0", "b")
    await stranger.answered("b")

    error = await stranger.ask({"type": "retry", "id": reply["reply_to"]}, "error")

    assert error["code"] == "not_found"


@pytest.fixture(params=["daphne", "uvicorn"])
async def members_only(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    with Site(server=request.param, BOTFLOW_CHAT_ACCESS="login") as site:
        site.start_web()
        site.wait_ready()
        yield site


async def test_a_site_for_members_lets_no_visitor_in(
    members_only: Site, client: ChatClient
) -> None:
    for token in ("", client.token):
        frames, code = await first_frames(members_only, token=token)
        assert ([frame["code"] for frame in frames], code) == (["login_required"], 4401)
