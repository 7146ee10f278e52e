#!/usr/bin/env bash
# arrow-json reads 1.5 into an integer as 1, and a number beyond the largest float as an infinity, and writes an infinity as null.
# Package: arrow-json 60.1.0 (Rust), of DataFusion, Delta and others.
# A good guess: a number that an integer can't hold is an error, as -1 for an unsigned one is. Seen: fractions are cut off
# without a word, in integers and in times; 1e39 is an infinity in a column of 32 bits; and the writer makes null of it and of NaN, so a
# row that is written and read again has no value.
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
arrow-array = "=60.1.0"
arrow-json = "=60.1.0"
arrow-schema = "=60.1.0"
TOML
cat > src/main.rs <<'RUST'
use arrow_array::{cast::AsArray, types::*, ArrowPrimitiveType, RecordBatch};
use arrow_json::{LineDelimitedWriter, ReaderBuilder};
use arrow_schema::{Field, Schema};
use std::process::exit;
use std::sync::Arc;

fn batch<T: ArrowPrimitiveType>(text: &str) -> Option<RecordBatch> {
    let schema = Arc::new(Schema::new(vec![Field::new("a", T::DATA_TYPE, true)]));
    ReaderBuilder::new(schema).build(text.as_bytes()).unwrap().next().unwrap().ok()
}

fn read<T: ArrowPrimitiveType>(text: &str) -> Option<T::Native> {
    let seen = batch::<T>(text).map(|batch| batch.column(0).as_primitive::<T>().value(0));
    println!("{text} as {}: {seen:?}", T::DATA_TYPE);
    seen
}

fn main() {
    let whole = read::<Int64Type>(r#"{"a":1.5}"#) == Some(1) && read::<UInt8Type>(r#"{"a":2.99}"#) == Some(2);
    let time = read::<TimestampMillisecondType>(r#"{"a":1.5}"#) == Some(1);
    let large = read::<Float32Type>(r#"{"a":1e39}"#) == Some(f32::INFINITY);
    let refused = read::<UInt8Type>(r#"{"a":-1}"#).is_none() && read::<UInt8Type>(r#"{"a":256}"#).is_none();
    let mut written = vec![];
    let mut writer = LineDelimitedWriter::new(&mut written);
    writer.write(&batch::<Float32Type>(r#"{"a":1e39} {"a":1}"#).unwrap()).unwrap();
    writer.finish().unwrap();
    let written = String::from_utf8(written).unwrap();
    println!("an infinity and 1 are written {written:?}");
    exit(if whole && time && large && refused && !written.contains("inf") && written.ends_with("{\"a\":1.0}\n") { 0 } else { 1 });
}
RUST
cargo run --quiet
