#!/usr/bin/env bash
# hound can't read a WAV file that has a chunk of an odd length before its samples, and writes one of an odd length itself.
# Package: hound 3.5.1 (Rust), which speech models in Rust read their input with.
# A good guess: RIFF pads a chunk of an odd length with one byte that its length does not count, as the chunk of a title or of a program's
# name often is. Seen: hound takes that byte for the beginning of the next chunk, finds no samples, and says that there were not enough bytes.
# Its own file of three samples of eight bits ends without that byte.
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
hound = "=3.5.1"
TOML
cat > src/main.rs <<'RUST'
use std::io::Cursor;
use std::process::exit;

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = [&name[..], &(body.len() as u32).to_le_bytes(), body].concat();
    if body.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

fn wave(title: &[u8]) -> Vec<u8> {
    let mut format = [1u16, 1].map(u16::to_le_bytes).concat();
    format.extend([16000u32, 32000].map(u32::to_le_bytes).concat());
    format.extend([2u16, 16].map(u16::to_le_bytes).concat());
    let samples = [1i16, 2, 3].map(i16::to_le_bytes).concat();
    let body = [&b"WAVE"[..], &chunk(b"fmt ", &format), &chunk(b"note", title), &chunk(b"data", &samples)].concat();
    chunk(b"RIFF", &body)
}

fn read(bytes: Vec<u8>) -> Result<Vec<i16>, String> {
    let reader = hound::WavReader::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    reader.into_samples().collect::<Result<_, _>>().map_err(|error| error.to_string())
}

fn main() {
    let even = read(wave(b"four"));
    let odd = read(wave(b"three"));
    let spec = hound::WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 8, sample_format: hound::SampleFormat::Int };
    let mut written = Cursor::new(vec![]);
    let mut writer = hound::WavWriter::new(&mut written, spec).unwrap();
    for sample in [1i8, 2, 3] {
        writer.write_sample(sample).unwrap();
    }
    writer.finalize().unwrap();
    let length = written.into_inner().len();
    println!("behind a chunk of four bytes: {even:?}");
    println!("behind a chunk of five bytes and their padding: {odd:?}");
    println!("three samples of a byte are written as a file of {length} bytes");
    let same = even == Ok(vec![1, 2, 3]) && odd == Err("Failed to read enough bytes.".to_string()) && length == 47;
    exit(if same { 0 } else { 1 });
}
RUST
cargo run --quiet
