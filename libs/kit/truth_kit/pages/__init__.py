"""What people see: the frame that all pages share, sign-in, forms, live parts.

`parts` says what a service brings, `mounting` puts it into the application. `frame` draws, `assets` serves
what is cached for ever, `sign_in` and `oidc` let people in, `session` says who they are, `guard` keeps other
sites' forms out, `typed` reads forms, `live` streams, `limits` slows down whoever comes too often.
"""

from truth_kit.pages.frame import Frame, FrameDependency
from truth_kit.pages.limits import limited
from truth_kit.pages.live import stream
from truth_kit.pages.parts import Link, Pages
from truth_kit.pages.session import Session, session_of, signed_in, signed_in_lately, visitor
from truth_kit.pages.typed import Typed, typed_in

__all__ = [
    "Frame",
    "FrameDependency",
    "Link",
    "Pages",
    "Session",
    "Typed",
    "limited",
    "session_of",
    "signed_in",
    "signed_in_lately",
    "stream",
    "typed_in",
    "visitor",
]
