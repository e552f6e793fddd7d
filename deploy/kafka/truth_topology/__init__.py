"""Makes a Kafka agree with the contracts: topics, principals and rights."""
