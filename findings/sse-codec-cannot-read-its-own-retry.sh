#!/usr/bin/env bash
# sse-codec can't read the `retry` that it writes itself, and writes an event whose data is empty as nothing.
# Package: sse-codec 0.3.3 (Rust).
# A good guess: what its encoder writes its decoder reads, and `retry: 3000` is how such a line is written. Seen: a space behind the colon makes the decoder
# skip the line, and its encoder writes that space. An event with empty data is written as an empty line, so nobody gets it; the line end
# at the end of a text is lost; and a CR stays within its line, so that what follows it is lost to every reader. A `retry` that stands
# among the lines of an event comes out before it.
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
sse-codec = "=0.3.3"
futures = { version = "=0.3.34", default-features = false, features = ["std", "executor"] }
TOML
cat > src/main.rs <<'RUST'
use futures::{executor::block_on, io::Cursor, SinkExt, TryStreamExt};
use sse_codec::{decode_stream, encode_stream, Event};
use std::process::exit;

fn write(event: Event) -> String {
    let mut bytes = vec![];
    block_on(async { encode_stream(&mut bytes).send(event).await.unwrap() });
    String::from_utf8(bytes).unwrap()
}

fn read(text: &str) -> Vec<Event> {
    block_on(decode_stream(Cursor::new(text)).try_collect()).unwrap()
}

fn main() {
    let written = write(Event::retry(3000));
    println!("retry(3000) is written {written:?} and read {:?}; without the space {:?}", read(&written), read("retry:3000\n\n"));
    let mut same = read(&written).is_empty() && read("retry:3000\n\n") == [Event::retry(3000)];
    for (data, expected) in [("", None), ("a\n", Some("a")), ("a\rb", Some("a"))] {
        let written = write(Event::message("message", data, None));
        let back = read(&written);
        println!("{data:?} is written {written:?} and read {back:?}");
        same = same && back == expected.map(|data| Event::message("message", data, None)).into_iter().collect::<Vec<_>>();
    }
    exit(if same { 0 } else { 1 });
}
RUST
cargo run --quiet
