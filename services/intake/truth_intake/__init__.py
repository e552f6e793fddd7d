"""The door: validates requests from every channel and makes each an Intake."""
