"""The whole system as local processes: real Kafka, real PostgreSQL, sign-in and the five services."""
