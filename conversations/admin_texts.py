"""Messages as the admin's transcript shows them: by the renderer of the page, within a bound."""

from collections.abc import Iterable
from html import escape

from django.utils.safestring import SafeString

from conversations.models import Message
from conversations.rendering import plain_to_html, to_html

# Characters of all replies of one transcript that are rendered: a second's work at most, the first
# time. The others stand there as they were written.
RENDERED_CHARS = 150_000


def message_htmls(messages: Iterable[Message]) -> dict[int, SafeString]:
    """Return the HTML of each message by its primary key; what comes first is rendered first."""
    htmls, chars_left = {}, RENDERED_CHARS
    for message in messages:
        is_typed = message.role == Message.Role.USER or message.is_prompt
        if not message.content:
            html = f"<p>{escape(str(message.get_content_type_display()))}</p>"
        elif is_typed or len(message.content) > chars_left:
            html = plain_to_html(message.content)
        else:
            chars_left -= len(message.content)
            html = to_html(message.content)
        # It comes out of the sanitizer, or was escaped here or in the renderer.
        htmls[message.pk] = SafeString(html)
    return htmls
