#!/usr/bin/env bash
# poem's server-sent events lose the line end at the end of a text, so the paragraphs that a model writes run together.
# Package: poem 3.1.12 (Rust).
# A good guess: the text that is given to `Event::message` arrives as it is, line ends too, as axum's, warp's and salvo's writers have it. Seen: a token
# that is a line end arrives as an empty text, "one.\n" as "one.", and an event of an empty text is never sent, though its id was given.
# What follows a CR is lost.
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
poem = { version = "=3.1.12", default-features = false, features = ["server", "sse"] }
eventsource-stream = "=0.2.3"
futures = { version = "=0.3.34", default-features = false, features = ["std", "executor"] }
TOML
cat > src/main.rs <<'RUST'
use eventsource_stream::Eventsource;
use futures::{executor::block_on, stream, TryStreamExt};
use poem::web::sse::Event;
use std::process::exit;

fn send(text: &str) -> Vec<String> {
    let bytes = Event::message(text).id("1").to_string();
    let read = stream::iter([Ok::<_, std::io::Error>(bytes)]).eventsource();
    block_on(read.map_ok(|event| event.data).try_collect()).unwrap()
}

fn main() {
    let seen = ["one.\n", "\n", "two", "", "a\rb"].map(send);
    println!("\"one.\\n\", a line end, \"two\", an empty text and \"a\\rb\" arrive as {seen:?}");
    exit(if seen.concat() == ["one.", "", "two", "a"] && seen[3].is_empty() { 0 } else { 1 });
}
RUST
cargo run --quiet
