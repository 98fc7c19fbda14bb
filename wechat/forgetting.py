"""Forgetting what was learned of the account, so that WeChat is asked again, as a person wishes."""

from __future__ import annotations

from wechat.models import Account


def forget_learned(app_id: str) -> bool:
    """Forget the access token, the breaker, what may be sent and any stop; False without a row.

    The same stable token comes back if it is still in force, so nothing else is disturbed.
    """
    return bool(
        Account.objects.filter(app_id=app_id).update(
            access_token="",
            token_expires_at=None,
            failures=0,
            retry_at=None,
            token_error="",
            can_send=None,
            can_send_detail="",
            stopped_until=None,
            stopped_detail="",
        )
    )
