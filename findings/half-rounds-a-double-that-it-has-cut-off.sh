#!/usr/bin/env bash
# half rounds a double to 16 bits as if its lower 32 bits were not there.
# Package: half 2.7.1 (Rust), of candle's, burn's and safetensors' tensors.
# A good guess: as NumPy and the hardware have it, a double becomes the nearest half, rounded once, as the documentation of `from_f64` says. Seen: a double a
# little above the middle between two halves becomes the lower one; bfloat16 likewise, and texts too. Its `from_f64` uses an instruction
# for this where an ARM processor has one, so that a value depends on the machine; `from_f64_const`, which is asked here, uses none.
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
half = "=2.7.1"
TOML
cat > src/main.rs <<'RUST'
use half::{bf16, f16};
use std::process::exit;

fn main() {
    // 1 + 2^-11 is in the middle between two halves, and 1 + 2^-8 between two bfloat16.
    let above = |power: i32| 1.0 + 2f64.powi(power) + 2f64.powi(-40);
    let f = f16::from_f64_const(above(-11)).to_f64();
    let b = bf16::from_f64_const(above(-8)).to_f64();
    let text = "1.00048828126".parse::<f16>().unwrap().to_f64();
    println!("{:.13} is {f}, where 1.0009765625 is nearer", above(-11));
    println!("{:.13} is {b} in bfloat16, where 1.0078125 is nearer", above(-8));
    println!("\"1.00048828126\" is {text}");
    exit(if f == 1.0 && b == 1.0 && text == 1.0 { 0 } else { 1 });
}
RUST
cargo run --quiet
