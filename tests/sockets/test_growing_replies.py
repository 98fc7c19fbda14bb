"""A socket that asks for it gets a growing reply as HTML; one that does not sees no such frame."""

from tests.sockets.conftest import Reader


async def test_a_growing_reply_comes_as_html_to_those_who_ask(reader: Reader) -> None:
    page = await reader(render=1)
    program = await reader(conversation=page.conversation, token=page.token)

    await page.say("words=8 every=0.1 mark=`x`", "a")
    reply = await page.answered("a")
    await program.wait_for(lambda one: reply["id"] in one.messages)

    frames = [frame for frame in page.frames if frame["type"] == "render"]
    assert len(frames) > 1
    assert frames[0]["from"] == 0
    assert frames[0]["tail"].startswith("<p><code>x</code>w0")
    assert {frame["id"] for frame in frames} == {reply["id"]}
    assert page.frames[-1]["type"] != "render"
    assert not [frame for frame in program.frames if frame["type"] == "render"]
