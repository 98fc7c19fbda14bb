"""The words that the chat page's scripts show; a `{name}` in them is filled in by the script."""

from django.utils.translation import gettext as _


def chat_texts() -> dict[str, str]:
    """Return every text that a script may show, by the name the script knows it by."""
    return _message_texts() | _connection_texts() | _error_texts()


def _message_texts() -> dict[str, str]:
    return {
        "you": _("You"),
        "assistant": _("BotFlow"),
        "scheduled": _("Scheduled task"),
        "sending": _("Sending…"),
        "waiting": _("Sent when you are connected again"),
        "queued": _("Queued"),
        "answering": _("Answering…"),
        "answered": _("Answered"),
        "failed": _("No answer: something went wrong."),
        "stopped": _("Stopped"),
        "notAnswered": _("Not answered"),
        "notSent": _("Not sent"),
        "retry": _("Try again"),
        "edit": _("Edit"),
        "copy": _("Copy"),
        "copied": _("Copied"),
        "copyFailed": _("Press Ctrl+C to copy"),
        "code": _("Code"),
        "table": _("Table"),
        "today": _("Today"),
        "yesterday": _("Yesterday"),
        "sayAnswering": _("Answering"),
        "sayDone": _("Done"),
        "sayFailed": _("Failed"),
        "sayNew": _("New message"),
        "tooLong": _("{length} of {limit} characters"),
    }


def _connection_texts() -> dict[str, str]:
    return {
        "connected": _("Connected"),
        "connecting": _("Connecting…"),
        "reconnecting": _("Connection lost. Trying again…"),
        "reconnectingIn": _("Connection lost. Trying again in {seconds} s."),
        "offline": _("You are offline. What you write is kept and sent later."),
        "offlineShort": _("Offline"),
        "lostShort": _("Reconnecting…"),
        "startedAnew": _("That conversation is no longer available. This is a new one."),
    }


def _error_texts() -> dict[str, str]:
    return {
        "error.too_long": _("This message is too long. Shorten it and send it again."),
        "error.rate_limited": _("Too many messages at once. Wait a moment, then try again."),
        "error.bad_frame": _("The server did not understand the page. Reload it and try again."),
        "error.unknown_type": _("The server is older than this page. Reload it and try again."),
        "error.not_found": _("This message no longer exists."),
        "error.unavailable": _(
            "Messages cannot be taken right now. Yours is kept: try again soon."
        ),
        "error.other": _("Something went wrong. Try again."),
        "error.not_connected": _("Not connected. Try again once the connection is back."),
    }
