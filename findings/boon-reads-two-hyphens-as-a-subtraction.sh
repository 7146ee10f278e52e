#!/usr/bin/env bash
# boon reads two hyphens or ampersands in a class of a pattern as an operation on sets, refuses a schema with a look ahead, and rounds integers for bounds.
# Package: boon 0.6.1 (Rust).
# A good guess: its page says that its patterns are those of ECMA-262, and its numbers are exact, as `multipleOf` is compared by fractions.
# Seen: `^[!--]$` is `!` without `-` rather than the signs from `!` to `-`, and `[a&&b]` is nothing at all, so a good value is refused without a
# word; `^(?!a)` and `^[[]$` fail the whole schema as invalid. 9007199254740993 passes `maximum: 9007199254740992` and `multipleOf: 2`.
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
boon = "=0.6.1"
serde_json = "=1.0.145"
TOML
cat > src/main.rs <<'RUST'
use serde_json::{json, Value};
use std::process::exit;

fn check(schema: Value, value: Value) -> &'static str {
    let mut compiler = boon::Compiler::new();
    let mut schemas = boon::Schemas::new();
    compiler.add_resource("mem:///schema.json", schema).unwrap();
    match compiler.compile("mem:///schema.json", &mut schemas) {
        Ok(index) if schemas.validate(&value, index).is_ok() => "taken",
        Ok(_) => "refused",
        Err(_) => "no schema",
    }
}

fn main() {
    let cases = [
        (json!({ "pattern": "^[!--]$" }), json!("#"), "refused"),
        (json!({ "pattern": "^[a&&b]$" }), json!("a"), "refused"),
        (json!({ "pattern": "^(?!a)b$" }), json!("b"), "no schema"),
        (json!({ "pattern": "^[[]$" }), json!("["), "no schema"),
        (json!({ "const": 9007199254740992u64 }), json!(9007199254740993u64), "refused"),
        (json!({ "maximum": 9007199254740992u64 }), json!(9007199254740993u64), "taken"),
        (json!({ "multipleOf": 2 }), json!(9007199254740993u64), "taken"),
    ];
    let mut same = true;
    for (schema, value, expected) in cases {
        let seen = check(schema.clone(), value.clone());
        println!("{schema} and {value}: {seen}");
        same = same && seen == expected;
    }
    exit(if same { 0 } else { 1 });
}
RUST
cargo run --quiet
