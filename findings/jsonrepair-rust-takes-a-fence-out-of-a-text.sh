#!/usr/bin/env bash
# jsonrepair for Rust makes a text of whole JSON that holds a fenced block of code in one of its texts.
# Package: jsonrepair 0.1.0 (Rust).
# A good guess: JSON that is whole comes back as it is, and the fence that is taken away is one around the JSON. Seen: a tool's arguments
# whose text has a block of Markdown, as models write code, become one text of that block's lines; all other members are lost, without
# an error. With `fenced_code_blocks: false` it comes back whole.
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
jsonrepair = "=0.1.0"
serde_json = "=1.0.145"
TOML
cat > src/main.rs <<'RUST'
use jsonrepair::{repair_json, Options};
use serde_json::{json, Value};
use std::process::exit;

fn main() {
    let whole = json!({ "path": "notes.md", "content": "Run:\n```json\n1\n```\n" }).to_string();
    let repair = |options: &Options| -> Value { serde_json::from_str(&repair_json(&whole, options).unwrap()).unwrap() };
    let by_default = repair(&Options::default());
    let without = repair(&Options { fenced_code_blocks: false, ..Options::default() });
    println!("{whole}\nby default: {by_default}\nwithout fences: {without}");
    exit(if by_default.is_string() && without.to_string().len() > 40 && without["path"] == "notes.md" { 0 } else { 1 });
}
RUST
cargo run --quiet
