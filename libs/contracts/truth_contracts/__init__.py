"""The language of the hand-offs: events, topics, ids, refusals and the envelope."""
