"""What people see of Signals: that one was issued, by which policy and from which Record, or why none was."""

from truth_kit.connections import SignIn
from truth_kit.pages import Pages

from truth_signals.pages import reading


def pages(sign_in: SignIn, links: dict[str, str]) -> Pages:
    """Signals' pages, all of them public."""
    return Pages(
        package="truth_signals.pages",
        title="Signals",
        routers=(reading.router,),
        sign_in=sign_in,
        links=links,
    )
