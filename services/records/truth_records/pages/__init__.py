"""What people see of Records: lists, a Record with its seal, and the verification that anyone may use."""

from truth_kit.connections import SignIn
from truth_kit.pages import Link, Pages

from truth_records.pages import reading, verification

_READERS = ("admin", "auditor", "operator")


def pages(sign_in: SignIn, links: dict[str, str]) -> Pages:
    """Records' pages. Photos given to the verifier are shown from memory, hence `blob:`."""
    return Pages(
        package="truth_records.pages",
        title="Records",
        routers=(reading.router, verification.router),
        sign_in=sign_in,
        menu=(Link("/records", "Records", roles=_READERS), Link("/verify", "Verify")),
        links=links,
        sources={"img-src": "'self' blob:"},
    )
