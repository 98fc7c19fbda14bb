"""Channels are found by the names that the settings give them, and built once."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from conversations.channels import get_channel


def test_a_channel_is_built_once_per_process():
    assert get_channel("web") is get_channel("web")
    assert get_channel("web") is not get_channel("post")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (None, "no channel named 'mail'"),
        ("no.such.module", "cannot be imported"),
        ("conversations.channels.testing.Nothing", "cannot be imported"),
        ("conversations.models.Message", "not a subclass of Channel"),
        ("conversations.channels.get_channel", "not a subclass of Channel"),
    ],
)
def test_a_channel_that_is_none_is_named_with_the_reason(settings, path, reason):
    settings.BOTFLOW_CHANNELS = {"mail": path} if path else {}

    with pytest.raises(ImproperlyConfigured, match=reason):
        get_channel("mail")
