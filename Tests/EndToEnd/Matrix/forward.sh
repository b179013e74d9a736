#!/bin/bash
# forward.sh "KUBECTL" TARGET PORT: forwards a port, asks for a page through it twice and prints what came and what
# kubectl said.
said=$(mktemp)
$1 port-forward "$2" ":$3" >"$said" 2>&1 &
pid=$!
for _ in $(seq 50); do grep -q Forwarding "$said" && break; sleep 0.1; done
port=$(sed -n 's/.*127.0.0.1:\([0-9]*\) .*/\1/p' "$said" | head -1)
for _ in 1 2; do curl -sS --max-time 5 "http://127.0.0.1:$port/"; done
sleep 0.2
kill $pid 2>/dev/null
wait $pid 2>/dev/null
cat "$said"
rm -f "$said"
