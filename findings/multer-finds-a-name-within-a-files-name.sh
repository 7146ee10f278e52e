#!/usr/bin/env bash
# multer takes the name of a field from within the file's name, and runs past the end of a name whose last sign is a backslash.
# Package: multer 3.1.0 (Rust), of axum's, rocket's and warp's forms.
# A good guess: the parameters of `Content-Disposition` are read one after the other, in any order and case, and `\\` in quotes is one backslash. Seen: where the
# file's name stands first and holds `; name=`, the field is named by that; a name that ends in `\\` goes on into the next parameter;
# `Name` is not found, so the field has no name. With the name first, as browsers write it, the same file is read well.
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
multer = { version = "=3.1.0", default-features = false }
bytes = "=1.12.2"
futures = { version = "=0.3.34", default-features = false, features = ["std", "executor"] }
TOML
cat > src/main.rs <<'RUST'
use bytes::Bytes;
use futures::{executor::block_on, stream};
use multer::Multipart;
use std::process::exit;

fn read(parameters: &str) -> (Option<String>, Option<String>) {
    let form = format!("--x\r\nContent-Disposition: form-data; {parameters}\r\n\r\nhello\r\n--x--\r\n");
    let mut form = Multipart::new(stream::iter([Ok::<_, std::io::Error>(Bytes::from(form))]), "x");
    let field = block_on(form.next_field()).unwrap().unwrap();
    let seen = (field.name().map(str::to_string), field.file_name().map(str::to_string));
    println!("{parameters}: name {:?}, file {:?}", seen.0, seen.1);
    seen
}

fn main() {
    let both = |name: &str, file: &str| (Some(name.to_string()), Some(file.to_string()));
    let browser = read(r#"name="input"; filename="mug; name=red.png""#) == both("input", "mug; name=red.png");
    let other = read(r#"filename="mug; name=red.png"; name="input""#) == both("red.png\"", "mug; name=red.png");
    let backslash = read(r#"name="a\\"; filename="b.png""#).0.is_some_and(|name| name.contains("filename"));
    let capital = read(r#"Name="input""#).0.is_none();
    exit(if browser && other && backslash && capital { 0 } else { 1 });
}
RUST
cargo run --quiet
