"""The read-only page over the commands' own functions: `app` answers, `board` looks, `drawing` draws."""
