#!/usr/bin/env bash
# backoff never gives up as long as a server says when to come back.
# Package: backoff 0.4.0 (Rust).
# A good guess: `max_elapsed_time` bounds the whole, and `Error::retry_after` changes the one pause, as for a 503 with `Retry-After`. Seen: a pause of the
# server's goes past the policy, so that neither the time nor the pauses are counted, and a call with a limit of 0.2 s is made for as
# long as the server answers so. Without `retry_after` it stops in time.
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
backoff = "=0.4.0"
TOML
cat > src/main.rs <<'RUST'
use backoff::{retry, Error, ExponentialBackoff};
use std::process::exit;
use std::time::{Duration, Instant};

fn call(pause: Option<Duration>) -> (usize, Duration) {
    let (limit, first) = (Duration::from_millis(200), Duration::from_millis(50));
    let policy = ExponentialBackoff { max_elapsed_time: Some(limit), initial_interval: first, current_interval: first, ..Default::default() };
    let (mut calls, began) = (0, Instant::now());
    let _: Result<(), _> = retry(policy, || {
        calls += 1;
        match pause {
            _ if calls == 20 => Err(Error::permanent("enough seen")),
            Some(pause) => Err(Error::retry_after("busy", pause)),
            None => Err(Error::transient("busy")),
        }
    });
    (calls, began.elapsed())
}

fn main() {
    let (own, told) = (call(None), call(Some(Duration::from_millis(50))));
    println!("with a limit of 0.2 s: {} calls in {:.1?} by its own pauses", own.0, own.1);
    println!("{} calls in {:.1?} and no end where each answer names a pause of 50 ms", told.0, told.1);
    exit(if own.0 < 20 && told.0 == 20 && told.1 > Duration::from_millis(900) { 0 } else { 1 });
}
RUST
cargo run --quiet
