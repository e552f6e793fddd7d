"""What operators see: the Desk and one Job's page, for a phone, with an outbox for bad connections."""
