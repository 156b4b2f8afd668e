#!/usr/bin/env bash
# Shows that a run survives the loss of a worker. Three processes together send 3,000 messages through the simulated
# provider, with their store on a PostgreSQL server in a temporary folder. The script kills the run's owner partway.
#
#   cargo build --release && examples/several_workers.sh
#
# It needs the PostgreSQL programs (on Debian: the package postgresql) and takes about a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
campaigner=$PWD/target/release/campaigner
[ -x "$campaigner" ] || { echo "first run: cargo build --release"; exit 1; }
binaries=$(dirname "$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb 2> /dev/null | tail -n 1)")
[ -x "$binaries/postgres" ] || { echo "PostgreSQL is not installed"; exit 1; }

folder=$(mktemp -d)
pids=()
end() {
  for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done
  wait
  rm -rf "$folder"
}
trap end EXIT
as=()
# PostgreSQL refuses to run as root.
if [ "$(id -u)" = 0 ]; then
  chown 65534:65534 "$folder"
  chmod 711 "$folder"
  as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
cd "$folder"
"${as[@]}" "$binaries/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C > "$folder/initdb.log"
"${as[@]}" "$binaries/postgres" -D "$folder/data" -k "$folder" -p 5432 -c listen_addresses= > "$folder/server.log" 2>&1 &
pids+=($!)
until grep -q ready "$folder/data/postmaster.pid" 2> /dev/null; do sleep 0.1; done
export CAMPAIGNER_DB="postgres://postgres@${folder//\//%2F}/postgres"

"$campaigner" simulator --listen 127.0.0.1:8099 --latency 40ms > "$folder/simulator.log" 2>&1 &
pids+=($!)
export INCS_BASE_URL=http://127.0.0.1:8099 INCS_CERTIFICATION_CODE=test

{
  echo phone,first_name
  for row in $(seq 3000); do echo "85264$(printf %06d "$row"),Ana"; done
} > "$folder/list.csv"
cat > "$folder/job.yaml" << 'YAML'
name: job
provider: incs
channel: viber
recipients: {csv: list.csv, to: phone}
message: {type: text, text: "Hello {{ first_name }}"}
dispatch: {rate: 100/s}
reconcile: {after: 1s, every: 1s, for: 20s}
YAML

run() { "$campaigner" run "$folder/job.yaml" --yes --progress none --report-dir "$folder/$1" > "$folder/$1.log" 2>&1; }
{ run owner; } 2> /dev/null &
owner=$!
sleep 3
for worker in second third; do
  "$campaigner" work --until-idle --report-dir "$folder/$worker" > "$folder/$worker.log" 2>&1 &
  pids+=($!)
done
sleep 5
echo "== workers"
"$campaigner" workers
echo "== killing the owner"
pkill -KILL -P "$owner" || kill -KILL "$owner"
sleep 13
echo "== workers"
"$campaigner" workers
echo "== waiting for the run to end"
wait "${pids[@]:2}"
pids=("${pids[@]:0:2}")
"$campaigner" status job-1
"$campaigner" verify job-1 | tail -n 1
requests=$("$campaigner" report job-1 --attempts | tail -n +2 | wc -l)
echo "requests: $requests for 3,000 people"
[ "$requests" -eq 3000 ] || { echo "somebody was messaged twice, or not at all"; exit 1; }
