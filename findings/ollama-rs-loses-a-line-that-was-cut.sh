#!/usr/bin/env bash
# ollama-rs loses the words of a line that the network cuts in two, and ends a stream that tells a failure as if it were whole.
# Package: ollama-rs 0.3.6 (Rust).
# A good guess: a line of JSON is read when all of it is there, as its stream of a chat does. Seen: the stream of a completion
# reads each piece of the network by itself and leaves out what is no JSON, without a word: both halves of a line are lost, and so is a line
# `{"error": …}`, with which Ollama ends a stream that failed. In the stream of a chat that line is
# printed to stderr, and the stream ends all the same.
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
ollama-rs = { version = "=0.3.6", default-features = false, features = ["stream"] }
futures = { version = "=0.3.34", default-features = false, features = ["std"] }
tokio = { version = "=1.54.1", features = ["macros", "rt"] }
TOML
cat > src/main.rs <<'RUST'
use futures::StreamExt;
use ollama_rs::generation::chat::{request::ChatMessageRequest, ChatMessage};
use ollama_rs::generation::completion::request::GenerationRequest;
use ollama_rs::Ollama;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::exit;
use std::time::Duration;

/// Answers one request with the pieces, one after the other.
fn serve(pieces: Vec<String>) -> Ollama {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut socket = listener.accept().unwrap().0;
        socket.set_nodelay(true).unwrap();
        let (mut request, mut bytes) = (String::new(), [0; 65536]);
        while !request.ends_with('}') {
            let count = socket.read(&mut bytes).unwrap();
            request.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n").unwrap();
        for piece in pieces {
            std::thread::sleep(Duration::from_millis(300));
            socket.write_all(piece.as_bytes()).unwrap();
        }
    });
    Ollama::try_new(url).unwrap()
}

fn line(word: &str) -> String {
    let message = format!(r#"{{"role":"assistant","content":"{word}"}}"#);
    format!(r#"{{"model":"m","created_at":"2026-11-30T12:00:00Z","response":"{word}","message":{message},"done":false}}"#) + "\n"
}

async fn complete(pieces: Vec<String>) -> Result<String, String> {
    let mut stream = serve(pieces).generate_stream(GenerationRequest::new("m".into(), "hello")).await.unwrap();
    let mut text = String::new();
    while let Some(answers) = stream.next().await {
        text.extend(answers.map_err(|error| error.to_string())?.into_iter().map(|answer| answer.response));
    }
    Ok(text)
}

async fn chat(pieces: Vec<String>) -> Result<String, String> {
    let request = ChatMessageRequest::new("m".into(), vec![ChatMessage::user("hello".into())]);
    let mut stream = serve(pieces).send_chat_messages_stream(request).await.unwrap();
    let mut text = String::new();
    while let Some(answer) = stream.next().await {
        text.push_str(&answer.map_err(|_| "an error".to_string())?.message.content);
    }
    Ok(text)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let middle = line("two ");
    let cut = || vec![line("one "), middle[..40].to_string(), middle[40..].to_string(), line("three")];
    let failed = || vec![line("one "), "{\"error\":\"out of memory\"}\n".to_string()];
    let seen = [complete(cut()).await, chat(cut()).await, complete(failed()).await, chat(failed()).await];
    println!("a line that comes in two pieces: a completion has {:?}, a chat {:?}", seen[0], seen[1]);
    println!("a stream that fails: a completion has {:?}, a chat {:?}", seen[2], seen[3]);
    exit(if seen == ["one three", "one two three", "one ", "one "].map(|text| Ok(text.to_string())) { 0 } else { 1 });
}
RUST
cargo run --quiet
