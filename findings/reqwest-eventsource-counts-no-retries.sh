#!/usr/bin/env bash
# reqwest-eventsource never gives up, whatever its number of retries, ignores a `retry` that stands alone, and forgets the last id.
# Packages: reqwest-eventsource 0.6.0, eventsource-stream 0.2.3 (Rust).
# A good guess: `max_retries` of two is two retries; a `retry` alone, as servers send it first, sets the pause; and `Last-Event-ID` is sent until
# another id comes. Seen: where nobody listens it asks on for ever, since the count is never raised; a `retry` counts only in an event with
# data; and an event without an id has the next request say an empty `Last-Event-ID` once the stream was resumed, so the server begins again.
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
reqwest = { version = "=0.12.28", default-features = false }
reqwest-eventsource = "=0.6.0"
futures = { version = "=0.3.34", default-features = false, features = ["std"] }
tokio = { version = "=1.54.1", features = ["macros", "rt", "time"] }
TOML
cat > src/main.rs <<'RUST'
use futures::StreamExt;
use reqwest_eventsource::{retry::Constant, Event, EventSource};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::exit;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Answers each request with the next of the texts, and the last one from then on. Keeps the requests' heads.
fn serve(answers: Vec<String>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heads = Arc::new(Mutex::new(vec![]));
    let kept = heads.clone();
    std::thread::spawn(move || {
        for (index, socket) in listener.incoming().enumerate() {
            let mut socket = socket.unwrap();
            let (mut request, mut bytes) = (String::new(), [0; 65536]);
            loop {
                let (head, body) = request.split_once("\r\n\r\n").unwrap_or(("", ""));
                let length = head.to_lowercase().split("content-length: ").nth(1).map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
                if !head.is_empty() && body.len() >= length {
                    break;
                }
                let count = socket.read(&mut bytes).unwrap();
                request.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
            }
            kept.lock().unwrap().push(request.to_lowercase());
            socket.write_all(answers[index.min(answers.len() - 1)].as_bytes()).unwrap();
        }
    });
    (url, heads)
}

fn answer(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n{body}")
}

/// Reads until `count` connections were opened. Gives how long it took, and the ids that were asked for.
async fn read(bodies: &[&str], count: usize) -> (Duration, Vec<String>) {
    let (url, heads) = serve(bodies.iter().map(|body| answer(body)).collect());
    let (mut source, began) = (EventSource::get(url), Instant::now());
    let mut opened = 0;
    while opened < count {
        if let Some(Ok(Event::Open)) = source.next().await {
            opened += 1;
        }
    }
    let id = |head: &String| head.lines().find(|line| line.starts_with("last-event-id")).unwrap_or("none").to_string();
    let ids = heads.lock().unwrap().iter().map(id).collect();
    (began.elapsed(), ids)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut source = EventSource::get(format!("http://{closed}"));
    source.set_retry_policy(Box::new(Constant::new(Duration::from_millis(10), Some(2))));
    let mut failures = 0;
    while failures < 20 && matches!(source.next().await, Some(Err(_))) {
        failures += 1;
    }
    println!("two retries where nobody listens: {failures} failures, and it goes on");
    let (alone, _) = read(&["retry: 1500\n\ndata: a\n\n"], 2).await;
    let (within, _) = read(&["retry: 1500\ndata: a\n\n"], 2).await;
    println!("came back after {alone:.1?} with retry alone, after {within:.1?} with retry in an event");
    let (_, ids) = read(&["id: 7\ndata: a\n\n", "data: b\n\n"], 3).await;
    println!("three requests: {ids:?}");
    let paused = alone < Duration::from_millis(1400) && within >= Duration::from_millis(1500);
    exit(if failures == 20 && paused && ids == ["none", "last-event-id: 7", "last-event-id: "] { 0 } else { 1 });
}
RUST
cargo run --quiet
