#!/usr/bin/env bash
# standardwebhooks for Rust refuses to verify or sign a payload that is no UTF-8.
# Package: standardwebhooks 1.0.1 (Rust).
# A good guess: the payload is bytes, as the type of its argument and the specification have it, so a webhook whose body is a picture or a
# compressed text is verified like any other. Seen: "payload invalid" for each body that is no UTF-8, also with a good signature, which
# was made here with the same key by hand.
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
standardwebhooks = "=1.0.1"
base64 = "=0.22.1"
hmac-sha256 = "=1.1.12"
http = "=1.5.0"
TOML
cat > src/main.rs <<'RUST'
use base64::{engine::general_purpose::STANDARD, Engine};
use http::HeaderMap;
use standardwebhooks::Webhook;
use std::process::exit;
use std::time::SystemTime;

fn verify(payload: &[u8]) -> Result<(), String> {
    let key = [7; 24];
    let time = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let signed = [format!("msg_1.{time}.").as_bytes(), payload].concat();
    let mut headers = HeaderMap::new();
    headers.insert("webhook-id", "msg_1".parse().unwrap());
    headers.insert("webhook-timestamp", time.to_string().parse().unwrap());
    headers.insert("webhook-signature", format!("v1,{}", STANDARD.encode(hmac_sha256::HMAC::mac(signed, key))).parse().unwrap());
    Webhook::from_bytes(key.to_vec()).unwrap().verify(payload, &headers).map_err(|error| error.to_string())
}

fn main() {
    let (text, bytes) = (verify(b"{}"), verify(b"\xff\xd8\xff\xe0"));
    println!("a text: {text:?}; the first bytes of a JPEG: {bytes:?}");
    exit(if text.is_ok() && bytes == Err("payload invalid".to_string()) { 0 } else { 1 });
}
RUST
cargo run --quiet
