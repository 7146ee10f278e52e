#!/usr/bin/env bash
# What a newcomer does, timed from `git clone` into an empty folder: README's blocks as they stand there, then those of docs/typescript.md
# in a new project. `npm run field:newcomer`, or `field/newcomer.sh REPOSITORY`; without one it clones this checkout's last commit.
# Needs git, curl, the port 8787, and the Node that PATH has first; packages come into an empty cache. Exits with 1 above the bounds:
# 60 s to the first result, 300 s to the first through the client.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
repository=${1:-$here}
# `npm run` puts the project's own Node and programs first. A newcomer has neither.
PATH=$(tr ':' '\n' <<<"$PATH" | grep -v -e '/node_modules/' -e 'node-gyp-bin' | paste -sd:)
for name in $(env | sed -n 's/^\(npm_[A-Za-z0-9_]*\|INIT_CWD\|NODE\)=.*/\1/p'); do
  case $name in npm_config_registry) ;; *) unset "$name" ;; esac
done
folder=$(mktemp -d)
export npm_config_cache=$folder/cache XDG_CONFIG_HOME=$folder/config XDG_STATE_HOME=$folder/state
deployment=
# An npm that leads its own group of processes, as in a terminal, where Ctrl-C reaches them all.
set -m
end() {
  [ -z "$deployment" ] || { kill -INT -- "-$deployment" && wait "$deployment"; } 2>/dev/null || true
  rm -rf "$folder"
}
trap end EXIT

# The text of the first block of FILE whose first line is "```HEAD" and that contains WORDS.
block() {
  awk -v head="\`\`\`$2" -v words="$3" '
    /^```/ && within { if (index(text, words)) { printf "%s", text; found = 1; exit } within = 0; next }
    index($0, head) == 1 { within = 1; text = ""; next }
    within { text = text $0 "\n" }
    END { if (!found) exit 1 }' "$1"
}

began=$(date +%s%N)
seconds() { echo "$((($(date +%s%N) - began) / 100000000))" | sed 's/\(.\)$/.\1/;s/^\./0./'; }
step() { printf '%6s s  %s\n' "$(seconds)" "$1"; }
within() {
  [ "$(seconds | cut -d. -f1)" -lt "$1" ] || { echo "That is above $1 s."; exit 1; }
}
echo "Node $(node --version), npm $(npm --version)"

git clone --quiet "$repository" "$folder/claimcheck"
cd "$folder/claimcheck"
step "cloned"

bash -c "$(block README.md sh 'npm start')" >"$folder/start.log" 2>&1 &
deployment=$!
until grep -qs "Claimcheck is running" "$folder/start.log"; do
  kill -0 "$deployment" 2>/dev/null || { cat "$folder/start.log"; exit 1; }
  sleep 0.1
done
step "npm start: installed, built and running"

bash -c "set -e; $(block README.md 'sh run' 'npx claimcheck run')" >"$folder/run.txt"
grep -q '"label"' "$folder/run.txt"
step "npx claimcheck run: the first result"
within 60

bash -c "set -e; $(block README.md 'sh run' 'curl')" >"$folder/curl.json"
grep -q '"status":"succeeded"' "$folder/curl.json"
step "curl: a result by the API"

npm pack >"$folder/pack.txt" 2>&1
package=$(ls claimcheck-*.tgz)
mkdir "$folder/project" && cd "$folder/project"
npm init --yes >/dev/null
npm install "../claimcheck/$package" >/dev/null 2>&1
step "npm pack, and npm install in a new project"

key=$(sed -n 's/.*"key": "\(.*\)".*/\1/p' ../claimcheck/.claimcheck/credentials.json)
{
  block ../claimcheck/docs/typescript.md 'ts check' 'client.run(' | sed -e "s|ck_…|$key|" -e 's|https://…/dress.jpg|pictures/sneaker.png|'
  echo 'console.log(JSON.stringify(colors));'
} >first.mjs
node first.mjs >first.txt
grep -q '"label"' first.txt
step "node first.mjs: a result through the client"
within 300
