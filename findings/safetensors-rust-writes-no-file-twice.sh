#!/usr/bin/env bash
# safetensors for Rust writes other bytes each time for the same tensors with the same metadata.
# Package: safetensors 0.8.0 (Rust).
# A good guess: a format that sorts its tensors writes equal files for equal contents, so a digest tells whether an adapter or a model has
# changed, and a cache or a deduplicating store keeps it once. Seen: the tensors are in one order, and the entries of `__metadata__` in an order drawn
# by chance, so ten writes of four entries are several different files. Without metadata, or with one entry, they are the same file.
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
safetensors = "=0.8.0"
TOML
cat > src/main.rs <<'RUST'
use safetensors::tensor::{serialize, Dtype, TensorView};
use std::collections::{HashMap, HashSet};
use std::process::exit;

fn files(entries: usize) -> usize {
    let write = |_| {
        let metadata: HashMap<String, String> = (0..entries).map(|entry| (format!("key {entry}"), "value".to_string())).collect();
        let data = 1f32.to_le_bytes();
        let tensor = || TensorView::new(Dtype::F32, vec![1], &data).unwrap();
        serialize([("a", tensor()), ("b", tensor())], Some(metadata)).unwrap()
    };
    (0..50).map(write).collect::<HashSet<_>>().len()
}

fn main() {
    let (one, six) = (files(1), files(6));
    println!("50 writes of one entry of metadata: {one} different files");
    println!("50 writes of six entries of metadata: {six} different files");
    exit(if one == 1 && six > 1 { 0 } else { 1 });
}
RUST
cargo run --quiet
