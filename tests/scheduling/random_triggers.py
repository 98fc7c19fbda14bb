"""Cron triggers of every kind, made from a seed, and others that are nearly the same."""

import random

from scheduling.triggers import CronTrigger, InvalidTrigger

RANGES = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
WHOLE = ("*", "*/2", "*/3", "*/5", "*/7", "*/15")
RARE = {3: ("L", "LW", "L,15", "29", "30-31"), 5: ("5L", "MON#2", "FRI#5", "0,TUE#1", "SUN")}


def random_field(rng: random.Random, index: int) -> str:
    """Return a field of one, two or three items, or a star, or what only days have."""
    low, high = RANGES[index]
    kind = rng.random()
    if kind < 0.35:
        return rng.choice(WHOLE) if kind < 0.12 else "*"
    if kind > 0.9 and index in RARE:
        return rng.choice(RARE[index])
    items = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        # Half of the numbers are round: such lists are nearly, or quite, an even repetition.
        first = rng.randint(low, high)
        if rng.random() < 0.5:
            first = max(low, first - first % 15)
        last = rng.randint(first, high)
        step = rng.choice(("", "", f"/{rng.randint(1, 20)}"))
        items.append(str(first) if rng.random() < 0.6 else f"{first}-{last}{step}")
    return ",".join(items)


def random_trigger(rng: random.Random) -> CronTrigger:
    while True:
        fields = [random_field(rng, index) for index in range(6)]
        fields[0] = fields[0] if rng.random() < 0.3 else "0"
        try:
            return CronTrigger(" ".join(fields))
        except InvalidTrigger:
            continue


def neighbor(rng: random.Random, trigger: CronTrigger) -> CronTrigger:
    """Return a trigger that differs in one field, or in how its two fields of days combine."""
    while True:
        fields = trigger.expression.split()
        index = rng.randrange(6)
        swaps = {"*": f"{RANGES[index][0]}-{RANGES[index][1]}"}
        whole = rng.random() < 0.2 and fields[index] in swaps
        fields[index] = swaps[fields[index]] if whole else random_field(rng, index)
        try:
            return CronTrigger(" ".join(fields))
        except InvalidTrigger:
            continue
