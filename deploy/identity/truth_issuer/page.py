"""The page on which one picks the person to sign in as."""

from collections.abc import Mapping
from html import escape

from truth_issuer.people import PEOPLE

_FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in · Runtime Truth, local</title>
<style>
:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }}
body {{ max-width: 28rem; margin: 3rem auto; padding: 0 1rem }}
button {{ font: inherit; display: block; width: 100%; min-height: 44px; margin: .5rem 0; padding: .5rem 1rem;
  text-align: left; border: 1px solid; border-radius: .5rem; background: Canvas;
  color: CanvasText; cursor: pointer }}
button:focus-visible, button:hover {{ outline: 3px solid Highlight; outline-offset: 1px }}
</style>
</head>
<body>
<main>
<h1>Who are you?</h1>
<p>This is the development sign-in of {client}. It asks for no password and runs on this machine only.</p>
<form method="post" action="/authorize">
{hidden}
{people}
</form>
</main>
</body>
</html>
"""


def pick_a_person(client: str, asked: Mapping[str, str]) -> str:
    """The page as HTML; `asked` are the authorization request's parameters, handed back with the choice."""
    hidden = "\n".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in asked.items()
    )
    people = "\n".join(
        f'<button name="subject" value="{escape(person.subject)}">'
        f"<strong>{escape(person.name)}</strong> · {escape(', '.join(person.roles))}</button>"
        for person in PEOPLE.values()
    )
    return _FRAME.format(client=escape(client), hidden=hidden, people=people)
