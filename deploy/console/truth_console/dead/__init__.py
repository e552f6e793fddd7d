"""Dead letters of all five services: `letters` groups them, `command` shows them and has them acted on."""
