"""The admin of the WeChat channel: its followers, the account, and the doctor's page."""

from __future__ import annotations

from wechat import admin_account, admin_followers  # noqa: F401  (they register pages)
