#!/usr/bin/env bash
# prometheus-parse leaves out every sample of vLLM, whose names have a colon, and cuts a label off at a comma.
# Package: prometheus-parse 0.2.5 (Rust).
# A good guess: names may have colons in the text format, as vLLM's `vllm:num_requests_running` do, and a label's value is any text in
# quotes. Seen: a line whose name has a colon is skipped without an error, with all of its histogram; a value ends at its
# first comma, and a label whose value has an equals sign is left out; a line with `}` in a value, or with empty braces, is skipped; a name
# behind a comma and a space keeps the space.
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
prometheus-parse = "=0.2.5"
TOML
cat > src/main.rs <<'RUST'
use std::process::exit;

fn samples(text: &str) -> Vec<String> {
    let scrape = prometheus_parse::Scrape::parse(text.lines().map(|line| Ok(line.to_string()))).unwrap();
    scrape.samples.iter().map(|sample| format!("{}{{{}}} {:?}", sample.metric, sample.labels, sample.value)).collect()
}

fn main() {
    let vllm = samples(concat!(
        "# TYPE vllm:num_requests_running gauge\n",
        "vllm:num_requests_running{model_name=\"m\"} 3.0\n",
        "# TYPE up gauge\n",
        "up{model_name=\"m\"} 1.0\n",
    ));
    let labels = samples(concat!(
        "# TYPE up gauge\n",
        "up{path=\"a,b\",query=\"k=v\",model=\"m\"} 1\n",
        "up{pattern=\"x}\"} 2\n",
        "up{} 3\n",
        "up{path=\"p\", model=\"m\"} 4\n",
    ));
    println!("a gauge of vLLM's and one without a colon: {vllm:?}");
    println!("four good lines: {labels:?}");
    let same = vllm == ["up{model_name=\"m\"} Gauge(1.0)"]
        && labels == ["up{model=\"m\",path=\"a\"} Gauge(1.0)", "up{ model=\"m\",path=\"p\"} Gauge(4.0)"];
    exit(if same { 0 } else { 1 });
}
RUST
cargo run --quiet
