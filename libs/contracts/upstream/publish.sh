# Publishes one request with kcat. BOOTSTRAP and PASSWORD stand in .truth/local.json.
echo '{"request_key":"order-4711","surface":"kitchen-repairs","summary":"The tap drips","description":"All night.","requester":{"name":"Rita"}}' |
  kcat -P -b "$BOOTSTRAP" -t requests.submitted \
    -X security.protocol=SASL_PLAINTEXT -X sasl.mechanisms=SCRAM-SHA-512 \
    -X sasl.username=upstream-acme -X sasl.password="$PASSWORD" \
    -H ce_specversion=1.0 -H ce_id=4711-1 -H ce_source=/upstreams/acme \
    -H ce_type=truth.requests.submitted.v1 -H content-type=application/json
