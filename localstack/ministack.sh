#!/usr/bin/env bash
# The whole system on MiniStack, without Docker: installs MiniStack from PyPI, starts it, builds the functions for this
# machine, deploys template.yaml, and says where the API is.
#
#   localstack/ministack.sh [Name=Value ...]  start and deploy; again after a change
#   localstack/ministack.sh stop              stop it; nothing is kept
#
# Environment: GATEWAY_PORT (4566), and what deploy.sh takes.
set -euo pipefail
cd "$(dirname "$0")/.."

port="${GATEWAY_PORT:-4566}" folder="target/ministack"
export GATEWAY_PORT="$port" AWS_ENDPOINT_URL="http://127.0.0.1:$port"
pid="$folder/$port.pid" log="$folder/$port.log"
running() { [ -f "$pid" ] && kill -0 "$(cat "$pid")" 2> /dev/null; }

if [ "${1:-}" = stop ]; then
  if running; then
    kill "$(cat "$pid")"
    # Whoever starts it next at this port must not meet the one that is still ending.
    for _ in $(seq 50); do running || break; sleep 0.2; done
    if running; then kill -KILL "$(cat "$pid")"; fi
  fi
  rm -f "$pid"
  exit
fi

mkdir -p "$folder"
if [ ! -x "$folder/venv/bin/ministack" ]; then
  python3 -m venv "$folder/venv"
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'ministack[full]==1.5.33'
fi
if ! running; then
  MINISTACK_HOST=localhost nohup "$folder/venv/bin/ministack" > "$log" 2>&1 &
  echo $! > "$pid"
fi
for _ in $(seq 100); do
  if ! running; then tail -5 "$log" >&2; exit 1; fi
  if curl --silent --fail --output /dev/null "$AWS_ENDPOINT_URL/_ministack/health"; then break; fi
  sleep 0.2
done
localstack/deploy.sh "$@"
