"""`python -m tests.bench.plots`: what results.json tells, as SVG files beside it."""

from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from tests.bench.results import RESULTS, Results, read, row
from tests.bench.sizes import WHOLE

FOLDER = Path(__file__).parent / "plots"
_OURS, _PEERS = "#1f4e79", ("#b7b7b7", "#d9822b")
_STYLE = {
    "svg.hashsalt": "runtime-truth",  # the same results, the same bytes
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "figure.facecolor": "white",
}
_PEER_NAMES = ("monolith", "DBOS lean")


def main() -> None:
    """Draw all of them anew."""
    mpl.use("svg")
    mpl.rcParams.update(_STYLE)
    results = read(RESULTS)
    FOLDER.mkdir(exist_ok=True)
    for name, draw in {
        "paths": paths,
        "log-size": log_size,
        "batches": batches,
        "processes": processes,
    }.items():
        figure, axes = plt.subplots(figsize=(7.2, 3.4), layout="constrained")
        draw(axes, results)
        figure.savefig(FOLDER / f"{name}.svg", metadata={"Date": None})
        plt.close(figure)


def paths(axes: Axes, results: Results) -> None:
    """CPU of a whole path, as bars beside the peers'."""
    width = 0.26
    for place, clients in enumerate(WHOLE.clients):
        told = f"path, {clients} client{'s' if clients > 1 else ''}: CPU beside"
        rows = [row(results, f"{told} {name}") for name in _PEER_NAMES]
        bars = [("Runtime Truth", rows[0].ours, _OURS)]
        bars += [
            (name, each.beside or 0, colour)
            for name, each, colour in zip(_PEER_NAMES, rows, _PEERS, strict=True)
        ]
        for number, (name, value, colour) in enumerate(bars):
            bar = axes.bar(
                place + (number - 1) * width, value, width, color=colour, label="" if place else name
            )
            axes.bar_label(bar, fmt="%.1f", fontsize=8)
    axes.set_xticks(range(len(WHOLE.clients)), [f"{n} client{'s' if n > 1 else ''}" for n in WHOLE.clients])
    axes.set_ylabel("CPU, ms a path")
    axes.set_title("Request to Signal with eight human calls, everything durable", fontsize=10, loc="left")
    axes.margins(y=0.2)
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="upper left")


def log_size(axes: Axes, results: Results) -> None:
    """What a Record costs to seal and to prove, as the log grows."""
    sizes = [10**power for power in WHOLE.powers]
    smallest, *larger = WHOLE.powers
    sealing = [row(results, f"client CPU a Record, at 10^{power} beside 10^{smallest}") for power in larger]
    proofs = [row(results, f"inclusion proof at 10^{power}: CPU p50").ours for power in WHOLE.powers]
    axes.plot(
        sizes, [1.0, *(each.ratio or 0 for each in sealing)], "o-", color=_OURS, label="sealing a Record, CPU"
    )
    axes.plot(
        sizes,
        [proof / proofs[0] for proof in proofs],
        "s-",
        color=_PEERS[1],
        label="its inclusion proof, CPU",
    )
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", alpha=0.3)
    axes.set_xlabel("Records in the log")
    axes.set_ylabel(f"beside a log of 10^{smallest}")
    axes.set_title("Cost against the log's size", fontsize=10, loc="left")
    axes.legend(frameon=False, fontsize=8)


def batches(axes: Axes, results: Results) -> None:
    """A hop's rate as a share of the bare loop's, by batch."""
    for checks, colour, label in (
        ("", _OURS, "inbox, outbox, relay"),
        (", chain checks on", _PEERS[1], "… and chains and signatures checked"),
    ):
        rows = [row(results, f"hop, batch {batch}{checks}: rate") for batch in WHOLE.batches]
        ratios = [each.ratio or 0 for each in rows]
        spread = [
            [a - each.lowest for a, each in zip(ratios, rows, strict=True)],
            [each.highest - a for a, each in zip(ratios, rows, strict=True)],
        ]
        axes.errorbar(WHOLE.batches, ratios, spread, fmt="o-", color=colour, capsize=3, label=label)
    axes.set_xscale("log")
    axes.set_ylim(0, 1)
    axes.grid(axis="y", alpha=0.3)
    axes.set_xticks(WHOLE.batches, [str(batch) for batch in WHOLE.batches])
    axes.set_xlabel("messages in a batch")
    axes.set_ylabel("rate beside the bare loop")
    axes.set_title("A hop beside the same hop written by hand", fontsize=10, loc="left")
    axes.legend(frameon=False, fontsize=8)


def processes(axes: Axes, results: Results) -> None:
    """A hop's rate with more processes on this machine's cores."""
    names = [
        f"governance, {count} process{'es' if count > 1 else ''}: rate beside one"
        for count in WHOLE.processes
    ]
    bar = axes.bar(
        [str(count) for count in WHOLE.processes],
        [row(results, name).ours for name in names],
        0.5,
        color=_OURS,
    )
    axes.bar_label(bar, fmt="%.0f", fontsize=8)
    axes.set_xlabel(
        f"processes of governance, on {results['hop'].machine['cores']} cores shared with Kafka and PostgreSQL"
    )
    axes.set_ylabel("messages/s")
    axes.set_title("One hop with all checks, more processes", fontsize=10, loc="left")


if __name__ == "__main__":
    main()
