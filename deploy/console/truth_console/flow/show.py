"""The flow on a terminal."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from truth_console.flow.rows import LATE_SECONDS, Row, Snapshot, Stand

UNKNOWN = "unknown"
_STYLES = {"growing": "red", "shrinking": "yellow", "steady": "green", None: "dim"}


def shown(snapshot: Snapshot) -> Group:
    """Headline, topics in path order, services."""
    head = Text(snapshot.headline, style="bold")
    at = f"{snapshot.at:%H:%M:%S} UTC"
    if snapshot.kafka_silent:
        at += (
            f", Kafka as of {snapshot.kafka_at:%H:%M:%S}" if snapshot.kafka_at else ", nothing from Kafka yet"
        )
    return Group(head, Text(at, style="dim"), _topics(snapshot), _services(snapshot))


def seconds(value: float | None) -> str:
    """A dash for nothing, the word for what is not known."""
    if value is None:
        return UNKNOWN
    if value == 0:
        return "-"
    return f"{value:.1f} s" if value < 10 else f"{value:,.0f} s"  # noqa: PLR2004 one digit below ten


def number(value: int | None) -> str:
    """A count, or the word for what is not known."""
    return UNKNOWN if value is None else f"{value:,}"


def _topics(snapshot: Snapshot) -> Table:
    table = Table("topic", "from → to", expand=False)
    for name in ("rate", "waiting", "oldest"):
        table.add_column(name, justify="right")
    table.add_column("trend")
    table.add_column("dead", justify="right")
    table.add_column("contract")
    for row in snapshot.rows:
        style = "bold" if (row.oldest_seconds or 0) > LATE_SECONDS else ""
        table.add_row(*_cells(row), style=style)
    return table


def _cells(row: Row) -> tuple[str | Text, ...]:
    return (
        row.topic,
        f"{row.writer} → {row.reader}",
        UNKNOWN if row.per_second is None else f"{row.per_second:.1f} /s",
        number(row.waiting),
        seconds(row.oldest_seconds),
        Text(row.trend or UNKNOWN, style=_STYLES[row.trend]),
        number(row.dead),
        row.contract,
    )


def _services(snapshot: Snapshot) -> Table:
    table = Table("service", "version", "stands", "unsent", "oldest unsent", "waits here", expand=False)
    for stand in snapshot.stands:
        unsent = number(stand.unsent), seconds(stand.unsent_seconds)
        table.add_row(
            stand.service, stand.version or UNKNOWN, standing(stand), *unsent, waits(stand, snapshot)
        )
    return table


def standing(stand: Stand) -> str:
    """Ready, or why not and since when."""
    since = f" since {stand.since:%H:%M:%S}" if stand.since else ""
    if stand.silent:
        return f"{UNKNOWN}{since}: {stand.silent}"
    if stand.failing:
        return f"not ready{since}: " + "; ".join(f"{part}: {why}" for part, why in stand.failing.items())
    return "ready"


def waits(stand: Stand, snapshot: Snapshot) -> str:
    """What stands in the service, by state, with the age of the oldest."""
    if stand.waiting is None:
        return UNKNOWN
    return ", ".join(
        f"{one.count} {one.step} {one.state} ({seconds((snapshot.at - one.oldest_at).total_seconds())})"
        for one in stand.waiting
    )
