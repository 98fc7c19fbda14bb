"""What the tests of the access token share: the client, the account's row, a moment."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from django.utils import timezone

from tests.conversations.working import read
from tests.wechat.fake_api import FakeApi
from wechat import client
from wechat.account import load_account
from wechat.client import WeChatClient
from wechat.models import Account

PATH = "stable_token"
NOON = timezone.now().replace(microsecond=0)


@pytest.fixture
async def wechat(api: FakeApi) -> AsyncIterator[WeChatClient]:
    yield client.client()


async def row() -> Account:
    return await read(load_account)
