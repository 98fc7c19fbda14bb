"""What is typed reaches the server once, whatever happens to the connection."""

from fake_server import FakeSite, reply, user_message
from playwright.sync_api import Page, expect


def write(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")


def test_a_message_goes_from_sending_to_answered(page: Page, fake_site: FakeSite) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()

    write(page, "How are you?")
    frame = socket.receive("message")
    state = page.locator(".message.user .state")
    expect(state).to_have_text("Sending…")
    message = socket.store(frame, seq=1)
    expect(state).to_have_text("Queued")
    socket.send(type="status", id=message["id"], state="answering")
    expect(state).to_have_text("Picked up")
    expect(page.locator("#hint")).to_have_text("What you send now is answered next.")
    fine = reply(2, "", id="r", state="streaming", reply_to=message["id"])
    socket.send(type="message", **fine)
    expect(state).to_have_text("Picked up")
    socket.send(type="delta", id="r", offset=0, text="Fi")
    expect(state).to_have_text("Answering…")
    socket.send(type="message", **reply(2, "Fine.", id="r", reply_to=message["id"]))
    socket.send(type="status", id=message["id"], state="answered", seq=3)

    expect(state).to_have_text("Answered")
    expect(page.locator(".message .text")).to_have_text(["How are you?", "Fine."])
    expect(page.get_by_label("Your message")).to_be_focused()


def test_a_message_that_was_lost_with_its_connection_is_sent_again(
    page: Page, fake_site: FakeSite
) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()

    write(page, "Do not lose me")
    first = socket.receive("message")
    socket.cut()
    socket = fake_site.next_socket().welcome()
    again = socket.receive("message")
    socket.store(again, seq=1)

    assert again == first
    expect(page.locator(".message.user .state")).to_have_text("Queued")
    expect(page.locator(".message.user")).to_have_count(1)


def test_a_message_whose_confirmation_was_lost_is_shown_once(
    page: Page, fake_site: FakeSite
) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()

    write(page, "Only once")
    frame = socket.receive("message")
    socket.cut()
    socket = fake_site.next_socket().welcome()
    message = socket.store(frame, seq=1)
    socket.send(type="message", **message)
    socket.send(type="message", **(message | {"seq": 2, "state": "answered"}))

    expect(page.locator(".message.user .state")).to_have_text("Answered")
    expect(page.locator(".message.user")).to_have_count(1)


def test_an_unconfirmed_message_survives_a_reload(page: Page, fake_site: FakeSite) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()

    write(page, "Still here")
    frame = socket.receive("message")
    page.reload()
    socket = fake_site.next_socket().welcome()

    assert socket.receive("message") == frame
    expect(page.locator(".message.user .text")).to_have_text("Still here")


def test_what_is_written_without_a_connection_is_sent_in_order_later(
    page: Page, fake_site: FakeSite
) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()
    fake_site.close()
    socket.cut()
    expect(page.locator("#connection")).to_have_attribute("data-state", "connecting")

    write(page, "one")
    write(page, "two")
    expect(page.locator(".message.user .state").first).to_have_text(
        "Sent when you are connected again"
    )
    fake_site.open()  # and the page comes back by itself
    socket = fake_site.next_socket().welcome()

    assert [socket.receive("message")["content"] for _ in range(2)] == ["one", "two"]


def test_a_message_that_is_never_confirmed_is_sent_again_on_the_same_connection(
    page: Page, fake_site: FakeSite
) -> None:
    page.clock.install()
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()

    write(page, "Slow")
    first = socket.receive("message")
    page.clock.run_for(11_000)

    assert socket.receive("message") == first


def test_a_refused_message_says_why_and_can_be_sent_again_or_edited(
    page: Page, fake_site: FakeSite
) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()

    write(page, "Too fast")
    frame = socket.receive("message")
    socket.send(type="error", code="rate_limited", detail="x", client_id=frame["client_id"])
    expect(page.get_by_role("alert").filter(has_text="Too many messages at once")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    assert socket.receive("message") == frame
    socket.send(type="error", code="rate_limited", detail="x", client_id=frame["client_id"])
    page.get_by_role("button", name="Edit").click()

    expect(page.get_by_label("Your message")).to_have_value("Too fast")
    expect(page.locator(".message")).to_have_count(0)


def test_an_error_that_belongs_to_no_message_is_a_sentence(page: Page, fake_site: FakeSite) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()

    for code, words in [
        ("bad_frame", "did not understand the page"),
        ("unknown_type", "older than this page"),
        ("not_found", "no longer exists"),
        ("unavailable", "cannot be taken right now"),
        ("brand_new_code", "the server's own words"),
    ]:
        socket.send(type="error", code=code, detail="the server's own words")
        expect(page.locator("#problem")).to_contain_text(words)
    page.get_by_role("button", name="Close").click()

    expect(page.locator("#problem")).to_be_hidden()


def test_a_message_over_the_limit_stays_in_the_composer(
    page: Page, fake_site: FakeSite, settings: object
) -> None:
    settings.BOTFLOW_MAX_MESSAGE_LENGTH = 5  # type: ignore[attr-defined]
    page.goto(fake_site.url)
    fake_site.next_socket().welcome()

    write(page, "😀😀😀😀😀😀")
    expect(page.locator("#too-long")).to_have_text("6 of 5 characters")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    page.keyboard.press("Backspace")

    expect(page.locator("#too-long")).to_be_hidden()
    expect(page.get_by_role("button", name="Send")).to_be_enabled()


def test_a_failed_answer_offers_to_try_again(page: Page, fake_site: FakeSite) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome(user_message(1, state="answering"))

    socket.send(type="status", id="user-1", state="failed", detail="The model is asleep.")
    expect(page.get_by_role("alert").filter(has_text="The model is asleep.")).to_be_visible()
    expect(page.locator("#announcer")).to_have_text("Failed")
    page.get_by_role("button", name="Try again").click()
    assert socket.receive("retry") == {"type": "retry", "id": "user-1"}
    socket.send(type="status", id="user-1", state="queued")

    expect(page.locator(".outcome")).to_have_count(0)
