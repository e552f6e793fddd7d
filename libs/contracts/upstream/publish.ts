// Publishes one request. Needs kafkajs, and the types in request.ts, made from the schema.
import { readFileSync } from "node:fs";
import { Kafka, logLevel } from "kafkajs";
import type { RequestSubmitted } from "./request";

const local = JSON.parse(readFileSync(".truth/local.json", "utf8")).kafka;
const login = local.principals["upstream-acme"];
const kafka = new Kafka({
  brokers: [local.bootstrap],
  sasl: { mechanism: "scram-sha-512", username: login.username, password: login.password },
  logLevel: logLevel.ERROR,
});
const request: RequestSubmitted = {
  request_key: "order-4711",
  surface: "kitchen-repairs",
  summary: "The tap drips",
  description: "All night.",
  requester: { name: "Rita" },
};

async function main(): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  await producer.send({
    topic: "requests.submitted",
    acks: -1,
    messages: [
      {
        value: JSON.stringify(request),
        headers: {
          ce_specversion: "1.0",
          ce_id: "4711-1",
          ce_source: "/upstreams/acme",
          ce_type: "truth.requests.submitted.v1",
          "content-type": "application/json",
        },
      },
    ],
  });
  await producer.disconnect();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
