#!/usr/bin/env bash
# axum sends two line ends for a CRLF in a text, and nothing for an empty text.
# Package: axum 0.8.9 (Rust).
# A good guess: a CRLF in the data of an event is one line end, as the format counts it, and an empty text is an event with empty data.
# Seen: the CR and the LF begin a line each, so "a\r\nb" arrives as "a\n\nb", and a table or code that a model writes for Windows is double spaced; an
# event of an empty text is an empty line, which is no event. `json_data` keeps both.
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
axum = { version = "=0.8.9", default-features = false, features = ["json"] }
eventsource-stream = "=0.2.3"
futures = { version = "=0.3.34", default-features = false, features = ["std", "executor"] }
TOML
cat > src/main.rs <<'RUST'
use axum::response::sse::{Event, Sse};
use axum::response::IntoResponse;
use eventsource_stream::Eventsource;
use futures::{executor::block_on, stream, TryStreamExt};
use std::process::exit;

fn send(event: Event) -> Vec<String> {
    let response = Sse::new(stream::iter([Ok::<_, std::io::Error>(event)])).into_response();
    let bytes = block_on(axum::body::to_bytes(response.into_body(), 1000)).unwrap();
    let read = stream::iter([Ok::<_, std::io::Error>(bytes)]).eventsource();
    block_on(read.map_ok(|event| event.data).try_collect()).unwrap()
}

fn main() {
    let text = |data: &str| send(Event::default().data(data));
    let (lf, crlf, empty) = (text("a\nb"), text("a\r\nb"), text(""));
    let json = send(Event::default().json_data("a\r\nb").unwrap());
    println!("\"a\\nb\" arrives as {lf:?}, \"a\\r\\nb\" as {crlf:?}, as JSON {json:?}; an empty text as {empty:?}");
    exit(if lf == ["a\nb"] && crlf == ["a\n\nb"] && json == [r#""a\r\nb""#] && empty.is_empty() { 0 } else { 1 });
}
RUST
cargo run --quiet
