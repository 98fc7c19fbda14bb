"""Read by every Python at its start: sets the clock of this process wrong, as the test says.

`TEST_CLOCK_AHEAD` is the error in seconds. With `TEST_CLOCK_PERIOD` the clock is wrong only every
other period of so many seconds: it steps forwards and back for as long as the process lives.
"""

import os
import time

import time_machine

AHEAD = float(os.environ.get("TEST_CLOCK_AHEAD", "0"))
PERIOD = float(os.environ.get("TEST_CLOCK_PERIOD", "0"))


class WrongClock(time_machine.Traveller):
    """Computed anew from the true time at each look, so that forks go wrong together."""

    def __init__(self) -> None:
        super().__init__(0, None, True)

    def time_ns(self) -> int:
        true = int(time_machine._time_machine.original_time_ns())
        is_right = PERIOD and int(time.monotonic() / PERIOD) % 2
        return true if is_right else true + int(AHEAD * 1e9)


if AHEAD:
    time_machine.travel(0).start()
    time_machine.traveller_stack.append(WrongClock())
