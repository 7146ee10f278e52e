#!/usr/bin/env bash
# warp sends an event without the space that its text begins with, so the words of a model run together.
# Package: warp 0.4.3 (Rust).
# A good guess: a text that is given to `data` arrives as it is. A reader takes one space behind the colon away, so a writer puts one there, as axum's
# and salvo's do. Seen: warp writes `data:` and the text at once, so of " world", as tokens mostly begin, the space is lost; a text of two spaces
# arrives as one. `json_data` keeps it. A CR stays within its line, so what follows it is lost.
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
warp = { version = "=0.4.3", default-features = false }
eventsource-stream = "=0.2.3"
futures = { version = "=0.3.34", default-features = false, features = ["std", "executor"] }
TOML
cat > src/main.rs <<'RUST'
use eventsource_stream::Eventsource;
use futures::{executor::block_on, stream, TryStreamExt};
use std::process::exit;
use warp::sse::Event;

fn send(events: &[Event]) -> Vec<String> {
    let bytes: String = events.iter().map(|event| event.to_string()).collect();
    let read = stream::iter([Ok::<_, std::io::Error>(bytes)]).eventsource();
    block_on(read.map_ok(|event| event.data).try_collect()).unwrap()
}

fn main() {
    let texts = ["Hello", " world", "  two", "a\rb"];
    let seen = send(&texts.map(|text| Event::default().data(text)));
    let json = send(&[Event::default().json_data(" world").unwrap()]);
    println!("{texts:?} arrive as {seen:?}; \" world\" as JSON is {json:?}");
    exit(if seen == ["Hello", "world", " two", "a"] && json == ["\" world\""] { 0 } else { 1 });
}
RUST
cargo run --quiet
