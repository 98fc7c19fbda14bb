"""The words that the chat page's scripts show; a `{name}` in them is filled in by the script."""

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _

# The chat commands as the page offers them, in English and Chinese.
COMMANDS = {
    "remind": ("/remind", "/提醒"),
    "tasks": ("/tasks", "/任务"),
    "cancel": ("/cancel", "/取消"),
    "pause": ("/pause", "/暂停"),
    "resume": ("/resume", "/恢复"),
    "new": ("/new", "/新对话"),
    "stop": ("/stop", "/停止"),
    "help": ("/help", "/帮助"),
}


def chat_texts() -> dict[str, str]:
    """Return every text that a script may show, by the name the script knows it by."""
    return {
        **_message_texts(),
        **_transcript_texts(),
        **_tool_texts(),
        **_conversation_texts(),
        **_connection_texts(),
        **_error_texts(),
        **_task_texts(),
        **_file_texts(),
        **(_sharing_texts() if settings.BOTFLOW_SHARING else {}),
        **(_voice_texts() if settings.BOTFLOW_VOICE else {}),
        **_command_texts(),
    }


def _message_texts() -> dict[str, str]:
    return {
        "you": _("You"),
        "assistant": settings.BOTFLOW_NAME,
        "scheduled": _("Scheduled task"),
        "sending": _("Sending…"),
        "waiting": _("Sent when you are connected again"),
        "queued": _("Queued"),
        "picked": _("Picked up"),
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
        "formula": _("Formula"),
        "today": _("Today"),
        "yesterday": _("Yesterday"),
        "sayAnswering": _("Answering"),
        "sayDone": _("Done"),
        "sayFailed": _("Failed"),
        "sayNew": _("New message"),
        "tooLong": _("{length} of {limit} characters"),
        "hintQueue": _("What you send now is answered next."),
    }


def _transcript_texts() -> dict[str, str]:
    return {
        "newHere": _("New"),
        "newOne": _("1 new message"),
        "newMany": _("{count} new messages"),
        "toLatest": _("Jump to the latest message"),
    }


def _conversation_texts() -> dict[str, str]:
    return {
        "untitled": _("New conversation"),
        "title": _("Title"),
        "lastWeek": _("Last 7 days"),
        "unread": _("Unread"),
        "conversationActions": _("What to do with it"),
        "deleteQuestion": _("“{title}” and everything said in it will be gone for good."),
        "found": _("{count} messages found"),
        "foundOne": _("1 message found"),
        "foundMany": _("{count} messages found, and more"),
        "foundNone": _("Nothing found"),
        "notShown": _("This message is not shown here any more."),
        "error.too_many": _("You have too many conversations. Delete some you no longer need."),
        "error.bad_title": _("This title cannot be used."),
        "error.forged": _("Reload the page and try again."),
    }


def _tool_texts() -> dict[str, str]:
    """Return the words of what may be done with a message, and of its versions."""
    return {
        "tool.copy": _("Copy message"),
        "tool.edit": _("Edit message"),
        "tool.again": _("Answer again"),
        "tool.delete": _("Delete message"),
        "editField": _("New wording"),
        "askAgain": _("Ask again"),
        "cancelEdit": _("Cancel"),
        "versions": _("Versions"),
        "versionOf": _("Version {number} of {count}"),
        "previousVersion": _("Previous version"),
        "nextVersion": _("Next version"),
        "tool.deleteQuestion": _("Delete this message and its answer?"),
        "tool.deleteReplyQuestion": _("Delete this answer?"),
        "deleteNow": _("Delete"),
        "deleted": _("This message was deleted."),
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
        "back": _("Back again. Nothing was lost."),
        "startedAnew": _("That conversation is no longer available. This is your latest one."),
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


def _task_texts() -> dict[str, str]:
    return {
        "tasks": _("Your tasks"),
        "tasksCounted": _("Your tasks ({count})"),
        "taskGone": _("This task no longer exists."),
        "paused": _("Paused"),
        "pausedBecause": _("Paused: {reason}"),
        "task.pause": _("Pause"),
        "task.resume": _("Resume"),
        "task.cancel": _("Cancel"),
        "task.yes": _("Yes"),
        "task.no": _("No"),
        "cancelQuestion": _("Cancel this task?"),
        "done.pause": _("Paused: {text}"),
        "done.resume": _("Goes on: {text}"),
        "done.cancel": _("Canceled: {text}"),
    }


def _file_texts() -> dict[str, str]:
    return {
        "file.waiting": _("Waiting"),
        "file.offline": _("Waits for the connection"),
        "file.sending": _("Uploading {name}"),
        "file.ready": _("Attached: {name}"),
        "file.remove": _("Remove {name}"),
        "file.retry": _("Try again: {name}"),
        "file.drop": _("Drop files here to attach them"),
        "file.held": _("Sends as soon as the files are uploaded"),
        "file.too_many": _("One message takes at most {limit} files."),
        "file.too_large": _("Too large: at most {limit}"),
        "file.bad_type": _("Files of this kind cannot be sent here"),
        "file.empty": _("This file is empty"),
        "file.quota": _("The limit for today is reached"),
        "file.uploads_off": _("This site takes no files"),
        "file.other": _("Upload failed"),
        "file.open": _("Open image {name}"),
        "file.missing": _("No longer available"),
        "file.download": _("Download {name}"),
        "file.save": _("Download"),
        "file.viewer": _("Image"),
        "file.previous": _("Previous image"),
        "file.next": _("Next image"),
        "file.cancel": _("Close"),
    }


def _sharing_texts() -> dict[str, str]:
    return {
        "share.made": _("Made on {created}. It shows what was said up to then."),
        "share.renewed": _(
            "Made on {created}, updated on {renewed}. It shows what was said up to then."
        ),
        "share.outdated": _("The conversation has gone on since."),
        "share.revoked": _("The link leads nowhere any more."),
    }


def _voice_texts() -> dict[str, str]:
    return {
        "tool.aloud": _("Read aloud"),
        "voice.stopReading": _("Stop reading"),
        "voice.dictate": _("Dictate"),
        "voice.stopDictating": _("Stop dictating (Esc)"),
        "voice.listening": _("Listening…"),
        "voice.notAllowed": _("The browser may not use the microphone for this page."),
        "voice.noMicrophone": _("No microphone was found."),
        "voice.nothingHeard": _("Nothing was heard."),
        "voice.noNetwork": _("Your browser needs the internet to understand speech."),
        "voice.noLanguage": _("Your browser cannot understand speech in this language."),
        "voice.failed": _("Your browser could not listen. Try again."),
    }


def _command_texts() -> dict[str, str]:
    """Return what is offered behind a slash; each command in both languages, the page's first."""
    texts = {
        "sayCommands": _("{count} commands. Choose with the arrow keys and Tab."),
        "command.remind.example": _("in 10m stretch"),
        "command.remind.about": _("Be reminded, once or again and again"),
        "command.tasks.about": _("List your tasks"),
        "command.cancel.about": _("Cancel a task by its number"),
        "command.pause.about": _("Pause a task"),
        "command.resume.about": _("Let a paused task go on"),
        "command.new.about": _("Start afresh"),
        "command.stop.about": _("Stop the answer that is being written"),
        "command.help.about": _("Explain all commands"),
    }
    for name in ("cancel", "pause", "resume"):
        texts[f"command.{name}.example"] = "1"
    is_chinese = (get_language() or "").startswith("zh")
    for name, (english, chinese) in COMMANDS.items():
        spellings = (chinese, english) if is_chinese else (english, chinese)
        texts[f"command.{name}"] = " ".join(spellings)
    return texts
