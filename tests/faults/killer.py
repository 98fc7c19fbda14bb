"""kill -9, again and again: of any process of any of a site's clusters, in turns."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter

import psutil

from tests.harness.processes import Cluster
from tests.harness.site import Site

ROLES = ("worker", "pusher", "worker", "sentinel", "worker", "main")


class Killer:
    """Kills by turns of role and at random otherwise; a cluster that loses its main is replaced."""

    def __init__(self, site: Site, seed: int = 1, roles: tuple[str, ...] = ROLES) -> None:
        self.site = site
        self.random = random.Random(seed)
        self.roles = roles
        self.turns = 0
        #: How many of each role were killed.
        self.killed: Counter[str] = Counter()

    async def go_on(self, seconds: float, *, most: float = 2.0) -> None:
        """Kill for so long, with pauses of up to `most` seconds; one of each role at least."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline or self.turns < len(self.roles):
            await asyncio.sleep(self.random.uniform(0.1, most))
            role = self.roles[self.turns % len(self.roles)]
            self.turns += await asyncio.to_thread(self._kill, role)

    def _kill(self, role: str) -> bool:
        """Kill one process of a role, if any is there just now; return whether there was."""
        alive = [cluster for cluster in self.site.clusters if cluster.main.poll() is None]
        self.random.shuffle(alive)
        found = [(cluster, process) for cluster in alive for process in _of(cluster, role)]
        if not found:
            return False
        # Rather one that began a run just now than one that may be idle.
        lately = {line.split()[0] for line in self.site.calls()[-5:]}
        cluster, process = next((one for one in found if str(one[1].pid) in lately), found[0])
        try:
            process.kill()
        except psutil.NoSuchProcess:
            return False
        self.killed[role] += 1
        if role == "main":
            cluster.main.wait(10)
            # At once: what is left of the other may still be there for a moment.
            self.site.start_cluster()
        return True


def _of(cluster: Cluster, role: str) -> list[psutil.Process]:
    return [psutil.Process(cluster.pid)] if role == "main" else cluster.role(role)
