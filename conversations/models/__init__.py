"""Conversations and messages: the rows that readers catch up with, whatever frames were lost."""

from conversations.models.conversation import Conversation, owner_of
from conversations.models.message import REPLY_NAMESPACE, Message, MessageQuerySet
from conversations.models.shared_link import SharedLink
from conversations.models.upload import Upload
from conversations.models.usage import Usage
from conversations.models.user import User

__all__ = [
    "REPLY_NAMESPACE",
    "Conversation",
    "Message",
    "MessageQuerySet",
    "SharedLink",
    "Upload",
    "Usage",
    "User",
    "owner_of",
]
