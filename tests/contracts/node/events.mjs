// CloudEvents by the official JavaScript SDK: `write` makes Kafka messages of a request, `read` reads ours.
import { CloudEvent, Kafka } from "cloudevents";
import { readFileSync } from "node:fs";

const given = JSON.parse(readFileSync(0, "utf8"));
const plain = (headers) => 
  Object.fromEntries(
    Object.entries(headers).flatMap(([k, v]) => (v === undefined ? [] : [[k, String(v)]])),
  );

function write({ request, id }) {
  const event = new CloudEvent({
    id,
    source: "/upstreams/acme",
    type: "truth.requests.submitted.v1",
    datacontenttype: "application/json",
    data: request,
  });
  return [Kafka.binary(event), Kafka.structured(event)].map(({ key, headers, value }) => ({
    key: key ?? null,
    headers: plain(headers),
    value: typeof value === "string" ? value : JSON.stringify(value),
  }));
}

function read(messages) {
  return messages.map(({ key, headers, value }) => {
    const event = Kafka.toEvent({ key, headers, body: value, value });
    const { id, source, type, time, subject, dataschema, partitionkey, data } = event;
    return { id, source, type, time, subject, dataschema, partitionkey, data };
  });
}

process.stdout.write(JSON.stringify(process.argv[2] === "write" ? write(given) : read(given)));
