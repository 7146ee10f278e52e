#!/usr/bin/env bash
# async-sse reads and writes the milliseconds of `retry` as seconds, and ends an event where the network cuts a CRLF in two.
# Package: async-sse 5.1.0 (Rust), of tide and surf.
# A good guess: `retry` is in milliseconds, so `retry:3000` is three seconds, and a pause of 1.5 s is written `retry:1500`. Seen: it reads 3000 s, and
# writes `retry:1`, for which a browser comes back at once; a pause below a second is `retry:0`. `retry: 3000`, with a space, is not read at all.
# An event of two lines that end in CRLF is two events if a piece ends between a CR and its LF.
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
async-sse = "=5.1.0"
futures = { version = "=0.3.34", default-features = false, features = ["std", "executor"] }
TOML
cat > src/main.rs <<'RUST'
use async_sse::{decode, encode, Event};
use futures::{executor::block_on, io::BufReader, AsyncRead, AsyncReadExt, TryStreamExt};
use std::pin::Pin;
use std::process::exit;
use std::task::{Context, Poll};
use std::time::Duration;

struct Pieces(Vec<&'static str>);

impl AsyncRead for Pieces {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut [u8]) -> Poll<std::io::Result<usize>> {
        let piece = if self.0.is_empty() { "" } else { self.0.remove(0) };
        into[..piece.len()].copy_from_slice(piece.as_bytes());
        Poll::Ready(Ok(piece.len()))
    }
}

fn read(pieces: &[&'static str]) -> Vec<String> {
    let events: Vec<Event> = block_on(decode(BufReader::new(Pieces(pieces.to_vec()))).try_collect()).unwrap();
    let tell = |event| match event {
        Event::Retry(pause) => format!("retry after {pause:?}"),
        Event::Message(message) => String::from_utf8(message.into_bytes()).unwrap(),
    };
    events.into_iter().map(tell).collect()
}

fn main() {
    let (sender, mut encoder) = encode();
    let mut written = String::new();
    block_on(async {
        let send = async {
            sender.send_retry(Duration::from_millis(1500), None).await.unwrap();
            drop(sender);
        };
        let receive = async { encoder.read_to_string(&mut written).await.unwrap() };
        futures::future::join(send, receive).await
    });
    let (plain, spaced) = (read(&["retry:3000\n\n"]), read(&["retry: 3000\n\n"]));
    let (whole, cut) = (read(&["data:a\r\ndata:b\r\n\r\n"]), read(&["data:a\r", "\ndata:b\r\n\r\n"]));
    println!("1500 ms are written {written:?}; retry:3000 is read as {plain:?}, with a space as {spaced:?}");
    println!("an event of two lines: {whole:?}; cut between CR and LF: {cut:?}");
    let same = written == "retry:1\n\n" && plain == ["retry after 3000s"] && spaced.is_empty() && whole == ["a\nb"] && cut == ["a", "b"];
    exit(if same { 0 } else { 1 });
}
RUST
cargo run --quiet
