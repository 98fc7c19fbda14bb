"""Actions that wait, block, raise, return junk or kill their worker; each leaves a line."""

import asyncio
import os
import signal
import time

from scheduling.actions import ActionError, action
from scheduling.models import Run
from tests.agents import note


@action("faults.note")
async def leave_note(run: Run, *, name: str, seconds: float = 0) -> str:
    note(os.getpid(), "note", name)
    await asyncio.sleep(seconds)
    note(os.getpid(), "noted", name)
    return name


@action("faults.say_who")
async def say_who(run: Run, *, name: str, seconds: float) -> int:
    """Return the process that did it."""
    note(os.getpid(), "say_who", name)
    await asyncio.sleep(seconds)
    return os.getpid()


@action("faults.block")
def block(run: Run, *, name: str, seconds: float) -> None:
    """Hold a thread."""
    note(os.getpid(), "block", name)
    time.sleep(seconds)


@action("faults.stall")
async def stall(run: Run, *, name: str, seconds: float) -> None:
    """Hold the event loop, as no async action may."""
    note(os.getpid(), "stall", name)
    time.sleep(seconds)


@action("faults.die")
async def die(run: Run, *, name: str) -> None:
    """Take the worker along, as the kernel does that runs out of memory."""
    note(os.getpid(), "die", name)
    await asyncio.sleep(0.05)
    os.kill(os.getpid(), signal.SIGKILL)


@action("faults.fail")
async def fail(run: Run, *, name: str, permanent: bool) -> None:
    note(os.getpid(), "fail", name)
    raise ActionError(f"{name} is out of order.", permanent=permanent)


@action("faults.raise")
async def raise_junk(run: Run, *, name: str) -> None:
    note(os.getpid(), "raise", name)
    raise RuntimeError(f"{name} \0 \ud800 broke")


@action("faults.return_junk")
async def return_junk(run: Run, *, name: str) -> object:
    note(os.getpid(), "return", name)
    return {object(): float("nan")}
