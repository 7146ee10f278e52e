#!/usr/bin/env bash
# openai-api-rs turns a backslash and an n that a model writes into a line end, and damages a character that the network cuts in two.
# Package: openai-api-rs 10.0.2 (Rust).
# A good guess: the words of a chunk are those of its JSON once it is read. Seen: its stream replaces each backslash with an n by a line end after the JSON has been
# read, so code such as `print("a\n")` no longer runs, and a path `C:\new` is broken; a character of several bytes at the end of a piece becomes
# two of U+FFFD; a chunk with words and a tool call loses the words; and a failure in the stream is left out, so that it ends without one.
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
openai-api-rs = { version = "=10.0.2", default-features = false }
futures = { version = "=0.3.34", default-features = false, features = ["std", "executor"] }
serde_json = "=1.0.154"
bytes = "=1.12.2"
TOML
cat > src/main.rs <<'RUST'
use bytes::Bytes;
use futures::{executor::block_on_stream, stream};
use openai_api_rs::v1::chat_completion::chat_completion_stream::{ChatCompletionStream, ChatCompletionStreamResponse as Seen};
use serde_json::{json, Value};
use std::process::exit;

fn read(pieces: Vec<Vec<u8>>) -> Vec<String> {
    let response = stream::iter(pieces.into_iter().map(|piece| Ok(Bytes::from(piece))));
    let tell = |seen| match seen {
        Seen::Content(text) => text,
        Seen::Reasoning(text) => format!("reasoning {text}"),
        Seen::ToolCall(calls) => format!("{} call", calls.len()),
        Seen::Done => "done".to_string(),
    };
    block_on_stream(ChatCompletionStream { response, buffer: String::new(), first_chunk: true }).map(tell).collect()
}

fn chunk(delta: Value) -> Vec<u8> {
    format!("data: {}\n\n", json!({ "choices": [{ "index": 0, "delta": delta }] })).into_bytes()
}

fn main() {
    let code = read(vec![chunk(json!({ "content": r#"print("a\n")"# }))]);
    println!("print(\"a\\n\") arrives as {code:?}");
    let mut first = chunk(json!({ "content": "é" }));
    let rest = first.split_off(first.iter().position(|byte| *byte > 127).unwrap() + 1);
    let cut = read(vec![first, rest]);
    println!("é that is cut in two arrives as {cut:?}");
    let call = json!([{ "index": 0, "id": "1", "type": "function", "function": { "name": "f", "arguments": "{}" } }]);
    let both = read(vec![chunk(json!({ "content": "I look.", "tool_calls": call }))]);
    println!("words beside a tool call arrive as {both:?}");
    let failed = read(vec![chunk(json!({ "content": "one" })), b"data: {\"error\":{\"message\":\"out of memory\"}}\n\n".to_vec()]);
    println!("a stream that fails: {failed:?}");
    let same = code == ["print(\"a\n\")"] && cut == ["\u{fffd}\u{fffd}"] && both == ["1 call"] && failed == ["one"];
    exit(if same { 0 } else { 1 });
}
RUST
cargo run --quiet
