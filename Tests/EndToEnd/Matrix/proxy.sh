#!/bin/bash
# proxy.sh "KUBECTL" PATH: asks for a path through `kubectl proxy`.
said=$(mktemp)
$1 proxy --port=0 >"$said" 2>&1 &
pid=$!
for _ in $(seq 50); do grep -q "Starting to serve" "$said" && break; sleep 0.1; done
curl -sS --max-time 5 "http://$(sed 's/.* //' "$said" | head -1)$2"
kill $pid 2>/dev/null
wait $pid 2>/dev/null
rm -f "$said"
