"""The tool `current_time`: models know no clock."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.translation import gettext as _

from conversations.agents.contract import Turn
from conversations.commands.command_texts import moment_text
from scheduling import clock


async def current_time(turn: Turn) -> str:
    """Tell the user's current date, day of the week, time of day, time zone and UTC offset."""
    # In the event loop, where the database's clock is not asked.
    now = clock.reckon().replace(microsecond=0)
    offset = f"{now.astimezone(ZoneInfo(turn.timezone)):%z}"
    with translation.override(turn.locale):
        return _("It is %(moment)s in %(zone)s (UTC%(offset)s).") % {
            "moment": moment_text(now, timezone=turn.timezone),
            "zone": turn.timezone,
            "offset": f"{offset[:3]}:{offset[3:5]}",
        }


TOOLS = (current_time,)
