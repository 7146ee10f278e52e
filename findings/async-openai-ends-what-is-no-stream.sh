#!/usr/bin/env bash
# async-openai gives an empty stream, without an error, for a failure that comes as JSON with status 200, and loses the words beside a
# reason to end that it does not know.
# Package: async-openai 0.43.0 (Rust).
# A good guess: an answer that is no `text/event-stream` is an error, and an unknown reason to end is a reason, not the loss of its chunk. Seen:
# JSON with an error is a stream that ends at once, as if the model had said nothing, and so is a whole completion of a server that
# does not stream; one that breaks off ends like a whole one; a chunk whose reason is `abort`, as vLLM says, or an empty text, is an error
# in place of its words, and so is one with an empty `role`.
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
async-openai = { version = "=0.43.0", default-features = false, features = ["chat-completion"] }
futures = { version = "=0.3.34", default-features = false, features = ["std"] }
serde_json = "=1.0.154"
tokio = { version = "=1.54.1", features = ["macros", "rt", "time"] }
TOML
cat > src/main.rs <<'RUST'
use async_openai::{config::OpenAIConfig, Client};
use futures::StreamExt;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::exit;
use std::sync::{Arc, Mutex};

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

async fn read(what: &str, content_type: &str, body: &str) -> String {
    let (url, _) = serve(vec![format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nConnection: close\r\n\r\n{body}")]);
    let client = Client::with_config(OpenAIConfig::new().with_api_base(url).with_api_key("key"));
    let request = serde_json::json!({ "model": "m", "messages": [{ "role": "user", "content": "hello" }] });
    let mut stream = client.chat().create_stream(serde_json::from_value(request).unwrap()).await.unwrap();
    let mut seen = String::new();
    while let Some(chunk) = stream.next().await {
        seen += &chunk.map_or("(error)".to_string(), |chunk| chunk.choices[0].delta.content.clone().unwrap_or_default());
    }
    println!("{what}: {seen:?}");
    seen
}

fn chunk(delta: &str, reason: &str) -> String {
    let choice = format!(r#"{{"index":0,"delta":{delta},"finish_reason":{reason}}}"#);
    format!(r#"data: {{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{choice}]}}"#) + "\n\n"
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (one, sse, done) = (chunk(r#"{"content":"one "}"#, "null"), "text/event-stream", "data: [DONE]\n\n");
    let two = |reason| one.clone() + &chunk(r#"{"content":"two"}"#, reason) + done;
    let seen = [
        read("an error as JSON", "application/json", r#"{"error":{"message":"out of memory","type":"server_error"}}"#).await,
        read("a stream that breaks off", sse, &one).await,
        read("the reason stop", sse, &two("\"stop\"")).await,
        read("the reason abort", sse, &two("\"abort\"")).await,
        read("an empty reason", sse, &two("\"\"")).await,
        read("an empty role", sse, &(one.clone() + &chunk(r#"{"role":"","content":"two"}"#, "\"stop\"") + done)).await,
    ];
    exit(if seen == ["", "one ", "one two", "one (error)", "one (error)", "one (error)"] { 0 } else { 1 });
}
RUST
cargo run --quiet
