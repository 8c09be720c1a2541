"""When a loop learns."""

from offer_ai.learning.cycle import rhythm

FIRST_DAYS = (1, 2, 3, 5, 7, 10)  # after which it learns, until the rhythm is reached


def learning_days(days: int, every: int) -> list[int]:
    """After which of so many days it builds and learns: soon at first, then at the rhythm."""
    early = [day for day in FIRST_DAYS if day < 2 * every and day <= days]
    return sorted({*early, *range(every, days + 1, every)})


def news_days(day: int, every: int, change_days: int | None) -> set[int]:
    """After which day it learns next beside its rhythm, where a step found that something
    changed: none or one."""
    soon = rhythm(every, change_days)
    return {day + int(soon)} if soon < every else set()
