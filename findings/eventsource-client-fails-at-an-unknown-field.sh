#!/usr/bin/env bash
# eventsource-client breaks a stream off at a block of fields that it does not know, and forgets the last id after it was cut.
# Package: eventsource-client 0.18.0 (Rust), of LaunchDarkly.
# A good guess: unknown fields are ignored, as is a block without data, and `Last-Event-ID` is sent until another id comes. Seen: a block of
# an unknown field alone is an error, for which the connection is given up; an event without an id, first on a new connection, takes the id away
# that was known, so the next request has none; a `retry` that stands alone is not heeded; and a 204, which means that no more will come, is asked again.
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
eventsource-client = { version = "=0.18.0", default-features = false }
launchdarkly-sdk-transport = { version = "=0.1.4", default-features = false }
bytes = "=1.12.2"
futures = { version = "=0.3.34", default-features = false, features = ["std"] }
http = "=1.5.0"
tokio = { version = "=1.54.1", features = ["macros", "rt", "time"] }
TOML
cat > src/main.rs <<'RUST'
use bytes::Bytes;
use eventsource_client::{Client, ClientBuilder, ReconnectOptions, SSE};
use futures::{stream, StreamExt};
use http::{Request, Response};
use launchdarkly_sdk_transport::{ByteStream, HttpTransport, ResponseFuture};
use std::process::exit;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Answers each request with the next of the bodies, and the last one from then on. Keeps the ids that were asked for.
#[derive(Clone)]
struct Answers {
    status: u16,
    bodies: Vec<&'static str>,
    ids: Arc<Mutex<Vec<String>>>,
}

impl HttpTransport for Answers {
    fn request(&self, request: Request<Option<Bytes>>) -> ResponseFuture {
        let mut ids = self.ids.lock().unwrap();
        let body = self.bodies[ids.len().min(self.bodies.len() - 1)];
        ids.push(request.headers().get("last-event-id").map_or("none", |id| id.to_str().unwrap()).to_string());
        let body: ByteStream = Box::pin(stream::iter([Ok(Bytes::from(body))]));
        let response = Response::builder().status(self.status).body(body).unwrap();
        Box::pin(async { Ok(response) })
    }
}

/// Reads until `count` requests were made. Gives what came, what was asked for, and how long it took.
async fn read(status: u16, bodies: &[&'static str], count: usize) -> (Vec<String>, Vec<String>, Duration) {
    let answers = Answers { status, bodies: bodies.to_vec(), ids: Arc::default() };
    let again = ReconnectOptions::reconnect(true).delay(Duration::from_millis(10)).build();
    let client = ClientBuilder::for_url("http://localhost/").unwrap().reconnect(again).build_with_transport(answers.clone());
    let (mut events, mut seen, began) = (client.stream(), vec![], Instant::now());
    while answers.ids.lock().unwrap().len() < count {
        seen.push(match events.next().await.unwrap() {
            Ok(SSE::Event(event)) => event.data,
            Ok(SSE::Connected(_)) => "open".to_string(),
            Ok(SSE::Comment(_)) => "a comment".to_string(),
            Err(error) => error.to_string(),
        });
    }
    let ids = answers.ids.lock().unwrap().clone();
    (seen, ids, began.elapsed())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (unknown, _, _) = read(200, &["model: m\n\ndata: a\n\n"], 2).await;
    let (_, ids, _) = read(200, &["id: 7\ndata: a\n\n", "data: b\n\n"], 3).await;
    let (_, _, alone) = read(200, &["retry: 1500\n\ndata: a\n\n"], 2).await;
    let (_, _, within) = read(200, &["retry: 1500\ndata: a\n\n"], 2).await;
    let (_, none, _) = read(204, &[""], 5).await;
    println!("a block of an unknown field, and an event: {unknown:?}");
    println!("the ids of three requests: {ids:?}");
    println!("came back after {alone:.1?} with retry alone, after {within:.1?} with retry in an event; asked {} times after 204", none.len());
    let same = unknown.get(1).is_some_and(|what| what != "a" && what != "eof") && !unknown.contains(&"a".to_string());
    let paused = alone < Duration::from_millis(700) && within >= Duration::from_millis(740);
    exit(if same && ids == ["none", "7", "none"] && paused && none.len() >= 5 { 0 } else { 1 });
}
RUST
cargo run --quiet
