"""One request over all topics: `path` says where it stands, `messages` finds it in Kafka, `command` tells."""
