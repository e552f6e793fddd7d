"""Rights as text: one line a thing, one column for each who, so that a new right is one changed word."""

from collections.abc import Mapping, Sequence

Cells = Mapping[tuple[str, str], Sequence[str]]
"""What column may do with row; nothing when it is not in there."""

NOTHING = "-"


def table(title: str, rows: Sequence[str], columns: Sequence[str], cells: Cells) -> str:
    """An aligned table under its title."""
    lines = [["", *columns]]
    lines += [
        [row, *(" ".join(cells.get((row, column), ())) or NOTHING for column in columns)] for row in rows
    ]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns) + 1)]
    told = ["  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join([f"# {title}", *(line.rstrip() for line in told)]) + "\n"
