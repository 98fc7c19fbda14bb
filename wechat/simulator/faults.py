"""Faults that are played on demand: error codes, silence, nonsense, as many times as asked."""

from __future__ import annotations

from dataclasses import dataclass

HTML = b"<html><head><title>Sign in</title></head><body>Welcome to this network.</body></html>"


@dataclass(slots=True)
class Fault:
    """What happens to calls of one path instead of, or besides, their being carried out."""

    path: str
    errcode: int = 0
    errmsg: str = ""
    status: int = 200
    #: The whole answer; with the status alone it is an HTML page.
    body: bytes | None = None
    #: The connection is closed without an answer.
    drops: bool = False
    #: Before anything else happens.
    delay_seconds: float = 0.0
    #: The call is carried out, only its answer is replaced.
    carried_out: bool = False
    #: How often; None for always.
    times: int | None = 1

    @property
    def replaces_answer(self) -> bool:
        return bool(self.errcode or self.body is not None or self.drops or self.status != 200)


class Script:
    """The faults that are still to be played, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def take(self, path: str) -> Fault | None:
        """Return the fault to play for this call, and count it."""
        for fault in self._faults:
            if fault.path == path:
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                return fault
        return None
