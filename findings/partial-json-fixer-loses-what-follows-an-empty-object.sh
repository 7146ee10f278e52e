#!/usr/bin/env bash
# partial-json-fixer loses the members behind an empty object or list of whole JSON, and gives broken JSON for a text that was cut.
# Package: partial-json-fixer 0.5.5 (Rust).
# A good guess: `fix_json_parse` gives whole JSON back as it is, and its value reads as JSON when it is printed, as its page says. Seen:
# `{"a":{},"b":1}` becomes `{"a": {}}` without an error, `[[],1]` becomes `[[]]`, and a cut text gets a second quote in front: `{"a": ""x"}`. Its other function, `fix_json`,
# does all of these right, so a tool's arguments depend on which of the two is called.
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
partial-json-fixer = "=0.5.5"
serde_json = "=1.0.145"
TOML
cat > src/main.rs <<'RUST'
use partial_json_fixer::{fix_json, fix_json_parse};
use std::process::exit;

fn main() {
    let mut seen = vec![];
    for text in [r#"{"a":{},"b":1}"#, "[[],1]", r#"{"a":"x"#] {
        let parsed = fix_json_parse(text).map(|value| value.to_string()).unwrap_or("an error".to_string());
        let fixed = fix_json(text);
        println!("{text}: parsed {parsed}, fixed {fixed}");
        assert!(serde_json::from_str::<serde_json::Value>(&fixed).is_ok());
        seen.push(parsed);
    }
    let broken = serde_json::from_str::<serde_json::Value>(&seen[2]).is_err();
    exit(if seen[0] == r#"{"a": {}}"# && seen[1] == "[[]]" && broken { 0 } else { 1 });
}
RUST
cargo run --quiet
