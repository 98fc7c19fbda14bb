"""A reply reads well while it grows and afterwards: closed blocks stay put, code is colored."""

from itertools import pairwise

from fake_server import FakeSite, FakeSocket, reply, user_message
from playwright.sync_api import Page, expect

from conversations.rendering import to_html
from conversations.rendering.highlighting import _KINDS

KINDS = sorted({kind for kind in _KINDS.values() if kind})
CODE = "```python\ndef f():\n    return 'x'  # why\n```\n"


def answering(page: Page, site: FakeSite) -> FakeSocket:
    page.goto(site.url)
    return site.next_socket().welcome(user_message(1, state="answering"))


def render(socket: FakeSocket, number: int, to: int, html: str, tail: str) -> None:
    socket.send(type="render", id="r", **{"from": number}, to=to, html=html, tail=tail)


def test_a_growing_reply_is_shown_in_its_final_form_and_stays_where_it_is(
    page: Page, fake_site: FakeSite
) -> None:
    socket = answering(page, fake_site)
    text = page.locator(".message.assistant .text")
    assert socket.query["render"] == "1"

    socket.send(type="delta", id="r", offset=0, text="*One* more\n\n" + CODE[:20])
    render(socket, 0, 32, to_html("*One* more"), to_html(CODE[:20]))
    expect(text.locator("em")).to_have_text("One")
    expect(text.locator("pre")).to_have_text("def f():")
    select = "getSelection().selectAllChildren(document.querySelector('.assistant em'))"
    page.evaluate(select)
    page.evaluate("window.kept = [...document.querySelectorAll('.assistant .text :is(p, .code)')]")

    socket.send(type="delta", id="r", offset=32, text=CODE[20:] + "- a\n")
    render(socket, 1, len(CODE) + 16, to_html(CODE), to_html("- a"))
    expect(text.locator("li")).to_have_text("a")
    expect(text.locator(".hl-k").first).to_have_text("def")
    socket.send(type="delta", id="r", offset=len(CODE) + 16, text="- **b**")
    render(socket, 2, len(CODE) + 23, "", to_html("- a\n- **b**"))
    expect(text.locator("li strong")).to_have_text("b")

    whole = "*One* more\n\n" + CODE + "- a\n- **b**"
    page.evaluate("window.items = [...document.querySelectorAll('.assistant li')]")
    top = text.evaluate("node => node.getBoundingClientRect().height")
    done = reply(2, whole, id="r", html=to_html(whole), reply_to="user-1")
    socket.send(type="message", **done)
    expect(page.locator(".streaming")).to_have_count(0)

    assert page.evaluate("getSelection().toString()") == "One"
    assert page.evaluate("[...kept, ...items].every(node => node.isConnected)")
    assert (
        page.evaluate("document.querySelectorAll('.assistant .text :is(p, .code, li)').length") == 4
    )
    assert text.evaluate("node => node.getBoundingClientRect().height") == top


def test_frames_that_do_not_fit_are_passed_over_and_late_ones_made_up_for(
    page: Page, fake_site: FakeSite
) -> None:
    socket = answering(page, fake_site)
    text = page.locator(".message.assistant .text")

    socket.send(type="delta", id="r", offset=0, text="*One*\n\n😀")
    render(socket, 1, 7, "<p>lost before</p>", "<p>x</p>")
    expect(text).to_have_text("*One*\n\n😀", use_inner_text=True)
    render(socket, 0, 8, "<p><em>One</em></p>", "<p>😀</p>")
    expect(text.locator("p")).to_have_text(["One", "😀"])

    page.wait_for_timeout(750)  # as long as a frame may take before it is late
    socket.send(type="delta", id="r", offset=8, text=" *goes on")
    expect(text.locator("p")).to_have_text(["One", "😀", " *goes on"])
    render(socket, 1, 17, "", "<p>😀 *goes on</p>")
    expect(text.locator("p")).to_have_text(["One", "😀 *goes on"])

    socket.send(type="delta", id="r", offset=0, text="Anew")
    expect(text).to_have_text("Anew")
    expect(page.locator(".message.assistant em")).to_have_count(0)


def test_code_formulas_links_and_directions(page: Page, fake_site: FakeSite) -> None:
    parts = [
        CODE,
        "$$\na_1 * b_2\n$$\n\nwith $x_1$",
        "[link](https://a.example/)",
        "שלום עולם, and English",
        "- שלום\n- one",
        "|" + "wide |" * 60 + "\n|" + "-|" * 60 + "\n|" + "cell |" * 60,
        "```\n" + "long " * 200 + "\n```",
    ]
    whole = "\n\n".join(parts)
    page.goto(fake_site.url)
    question = user_message(1, state="answered")
    fake_site.next_socket().welcome(question, reply(2, whole, html=to_html(whole)))
    text = page.locator(".message.assistant .text")

    expect(text.locator(".code-head span").first).to_have_text("python")
    expect(text.locator("pre.math")).to_have_text("$$\na_1 * b_2\n$$", use_inner_text=True)
    expect(text.locator("p code.math")).to_have_text("$x_1$")
    link = text.get_by_role("link", name="link")
    expect(link).to_have_attribute("rel", "nofollow noopener noreferrer")
    expect(link).to_have_attribute("target", "_blank")
    hebrew = text.locator("p", has_text="שלום")
    assert hebrew.evaluate("node => getComputedStyle(node).direction") == "rtl"
    assert text.locator("ul").evaluate("node => getComputedStyle(node).direction") == "rtl"
    assert text.evaluate("node => node.scrollWidth <= node.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for box in (text.locator("div.table"), text.locator("pre").last):
        assert box.evaluate("node => node.scrollWidth > node.clientWidth && node.tabIndex === 0")


LIGHTNESS = """node => {
  const [r, g, b] = getComputedStyle(node).color.match(/[\\d.]+/g).map(Number);
  const curve = (part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const light = (value) => curve(value / 255);
  return 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
}"""
GROUND = LIGHTNESS.replace("color.match", "backgroundColor.match")


def test_every_color_of_code_can_be_read(page: Page, fake_site: FakeSite) -> None:
    spans = "".join(f'<span class="hl-{letter}">{letter}</span>' for letter in KINDS)
    html = f'<pre><code class="language-x">{spans}</code></pre>'
    page.goto(fake_site.url)
    fake_site.next_socket().welcome(user_message(1), reply(2, "code", html=html))

    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        expect(page.locator("html")).to_have_css("color-scheme", scheme)
        ground = page.locator(".code").evaluate(GROUND)
        for span in page.locator(".code pre span").all():
            dark, light = sorted((span.evaluate(LIGHTNESS), ground))
            assert (light + 0.05) / (dark + 0.05) >= 4.5


# In each frame: how much of a text is there, and how far from the end the reader is.
RECORD = """() => {
  window.seen = [];
  const box = document.querySelector("#transcript");
  const look = () => {
    if (window.isOver) return;
    const count = document.querySelectorAll(".assistant .text *").length;
    seen.push([count, box.scrollHeight - box.scrollTop - box.clientHeight]);
    requestAnimationFrame(look);
  };
  look();
}"""
ITEMS = 2_000
LONG = "\n\n".join(
    [
        "*One* more",
        "\n".join(f"{n}. item **{n}**" for n in range(1, ITEMS + 1)),
        *(f"## Part {n}\n\n{CODE}" for n in range(80)),
    ]
)


def test_a_long_reply_comes_in_slices_and_moves_nobody(page: Page, fake_site: FakeSite) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket()
    page.evaluate(RECORD)
    long = reply(12, LONG, html=to_html(LONG), reply_to="user-11")
    socket.welcome(user_message(11, "Tell me", state="answered"), long, more=True)
    text = page.locator(".message.assistant .text")
    expect(text.locator("> p")).to_have_text("One more")

    seen = page.evaluate("window.isOver = true, seen")
    grown = [after - before for (before, _), (after, _) in pairwise(seen)]
    assert sum(grown) > 2 * ITEMS
    assert 0 < max(grown) < 1_500
    assert max(from_end for _, from_end in seen) < 2
    numbers = text.locator("li strong").all_text_contents()
    assert numbers == [str(n) for n in range(1, ITEMS + 1)]
    assert text.locator(".code").count() == 80
    expect(text).to_have_class("text long settled")

    # The same again, with something more: what is there stays, and what is selected in it.
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.assistant em'))")
    page.evaluate("window.kept = [...document.querySelectorAll('.assistant .text *')]")
    socket.send(type="message", **long | {"seq": 13, "html": long["html"] + "<p>The end</p>"})
    expect(text.locator("> p").last).to_have_text("The end")
    assert page.evaluate("getSelection().toString()") == "One"
    assert page.evaluate("kept.every(node => node.isConnected)")

    # Another one, above what is read.
    first = page.get_by_text("Tell me")
    page.locator("#transcript").evaluate("box => { box.scrollTop = 0 }")
    socket.receive("history")
    where = first.bounding_box()
    earlier = reply(2, LONG, html=to_html(LONG), reply_to="user-1")
    question = user_message(1, "Before", state="answered")
    socket.send(type="history", messages=[question, earlier], more=False)
    expect(page.locator("[data-id=reply-2] > .text > p")).to_have_text("One more", timeout=15_000)
    now = first.bounding_box()
    assert where and now and abs(now["y"] - where["y"]) < 60
