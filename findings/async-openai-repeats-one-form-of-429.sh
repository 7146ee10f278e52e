#!/usr/bin/env bash
# async-openai repeats a 429 only if its body is OpenAI's error, with a code that is text, and ignores a `Retry-After` that is a date.
# Package: async-openai 0.43.0 (Rust).
# A good guess: a 429 is tried again by its status, as a 503 is. Seen: a 429 whose `code` is the number 429, as vLLM writes it, or whose body is a
# gateway's text, is asked once, and the caller is told that JSON could not be read, without the status. With a code that is text it is
# asked four times. The same body with 503 is asked four times, three within a second if `Retry-After` is a date tomorrow.
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
serde_json = "=1.0.154"
tokio = { version = "=1.54.1", features = ["macros", "rt", "time"] }
TOML
cat > src/main.rs <<'RUST'
use async_openai::{config::OpenAIConfig, Client};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::exit;
use std::sync::{Arc, Mutex};
use std::time::Instant;

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

async fn ask(head: &str, body: &str) -> (usize, bool) {
    let length = body.len();
    let (url, heads) = serve(vec![format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")]);
    let client = Client::with_config(OpenAIConfig::new().with_api_base(url).with_api_key("key"));
    let request = serde_json::json!({ "model": "m", "messages": [{ "role": "user", "content": "hello" }] });
    let began = Instant::now();
    let error = client.chat().create(serde_json::from_value(request).unwrap()).await.unwrap_err();
    let asked = heads.lock().unwrap().len();
    let told = format!("{error:?}").contains("status_code");
    println!("{head:?} with {body:?}: asked {asked} times in {:.1?}, the status is {}", began.elapsed(), if told { "told" } else { "lost" });
    (asked, told)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let number = r#"{"error":{"message":"slow down","type":"RateLimitError","param":null,"code":429}}"#;
    let text = r#"{"error":{"message":"slow down","type":"RateLimitError","param":null,"code":"429"}}"#;
    let seen = [
        ask("429 Too Many Requests\r\nRetry-After: 0", number).await,
        ask("429 Too Many Requests\r\nRetry-After: 0", "slow down").await,
        ask("429 Too Many Requests\r\nRetry-After: 0", text).await,
        ask("503 Service Unavailable\r\nRetry-After: Fri, 31 Dec 2100 23:59:59 GMT", number).await,
    ];
    exit(if seen == [(1, false), (1, false), (4, true), (4, true)] { 0 } else { 1 });
}
RUST
cargo run --quiet
