#!/usr/bin/env bash
# openmetrics-parser refuses all of a server's metrics if one that has no sample yet is described, or if two samples of one have other labels.
# Package: openmetrics-parser 0.5.1 (Rust), its parser of the text format of Prometheus.
# A good guess: a description alone is valid, as Prometheus' Python client writes one for each metric with labels before its first use; samples of
# a metric may have other labels, an absent one is as an empty one; a counter may be NaN; and a tab separates as a space does. Seen: each of these is an
# error for the whole text, so a server that has just started has no metrics.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
command -v cargo >/dev/null || { echo "cargo is wanted, of Rust 1.85 or later"; exit 2; }
export CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR="$folder/target"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "look"
version = "0.1.0"
edition = "2021"

[dependencies]
openmetrics-parser = "=0.5.1"
TOML
cat > src/main.rs <<'RUST'
use openmetrics_parser::prometheus::parse_prometheus;
use std::process::exit;

fn main() {
    let mut same = true;
    for (what, text, good) in [
        ("two described metrics with samples", "# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n", true),
        ("the first has no sample yet", "# TYPE a gauge\n# TYPE b gauge\nb 1\n", false),
        ("the last has no sample yet", "# TYPE b gauge\nb 1\n# TYPE a gauge\n", true),
        ("two samples with other labels", "# TYPE a gauge\na{x=\"1\"} 1\na{y=\"1\"} 1\n", false),
        ("a counter that is NaN", "# TYPE a counter\na NaN\n", false),
        ("a tab before the value", "# TYPE a gauge\na\t1\n", false),
        ("a comment without a space", "#comment\n# TYPE a gauge\na 1\n", false),
    ] {
        let seen = parse_prometheus(text);
        println!("{what}: {}", seen.as_ref().map_or_else(|error| format!("{error:?}").lines().next().unwrap().to_string(), |_| "read".to_string()));
        same = same && seen.is_ok() == good;
    }
    exit(if same { 0 } else { 1 });
}
RUST
cargo run --quiet
