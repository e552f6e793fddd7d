"""How work flows: `rows` says it from what was found, `watch` finds it, `show` and `command` tell it."""
