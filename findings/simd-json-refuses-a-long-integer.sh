#!/usr/bin/env bash
# simd-json refuses a whole document for an integer of more than 64 bits, and takes the same number with an exponent.
# Package: simd-json 0.19.0 (Rust).
# A good guess: any number of JSON is read, the nearest double where it is no 64-bit integer, as serde_json and sonic-rs do, to which it is a drop-in.
# Seen: `18446744073709551616`, as a counter in Python or a seed of more bits is written, is "InvalidNumber" for all that stands around it, even in a
# member that nobody asks for; `1.8446744073709551616e19` is read.
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
simd-json = { version = "=0.19.0", default-features = false, features = ["serde_impl"] }
serde = { version = "=1.0.229", features = ["derive"] }
serde_json = "=1.0.154"
TOML
cat > src/main.rs <<'RUST'
use serde::Deserialize;
use std::process::exit;

#[derive(Deserialize)]
struct Answer {
    text: String,
}

fn read(text: &str) -> (String, String) {
    let other = serde_json::from_str::<Answer>(text).map_or("an error".to_string(), |answer| answer.text);
    let mut bytes = text.as_bytes().to_vec();
    let seen = simd_json::serde::from_slice::<Answer>(&mut bytes).map_or_else(|error| error.to_string(), |answer| answer.text);
    println!("{text}: simd-json {seen:?}, serde_json {other:?}");
    (seen, other)
}

fn main() {
    let numbers = ["18446744073709551615", "18446744073709551616", "1.8446744073709551616e19"];
    let seen = numbers.map(|number| read(&format!(r#"{{"seed":{number},"text":"hello"}}"#)));
    let same = seen[0].0 == "hello" && seen[1].0.contains("InvalidNumber") && seen[2].0 == "hello" && seen.iter().all(|both| both.1 == "hello");
    exit(if same { 0 } else { 1 });
}
RUST
cargo run --quiet
