#!/usr/bin/env bash
# assel gives a character's bytes of one stream to another: text of a neighbour's stream, or an error that is none of its own.
# Package: assel 1.0.0 (PyPI).
# A good guess: two parsers know nothing of each other. Seen: all parsers of a process share one decoder. Where the network cuts a character
# in two, the piece that is left goes in front of whatever comes next, from whichever stream: of two chats at once, each whole and valid,
# both raise UnicodeDecodeError or one gets the other's letter, and after a stream that was cut in a character the next one fails.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check assel==1.0.0
cat > look.py <<'PY'
import sys

import assel


def told(parser, piece):
    try:
        return [event.data for event in parser.receive_bytes(piece)]
    except UnicodeDecodeError as error:
        return f"UnicodeDecodeError: {error.reason}"


word = "data: é\n\n".encode()
middle = len(b"data: ") + 1
one = assel.Parser()
alone = told(one, word[:middle]) + told(one, word[middle:])
print(f"alone, in two pieces: {alone}")

one, other = assel.Parser(), assel.Parser()
both = [told(one, word[:middle]), told(other, b"data: plain\n\n")]
print(f"a stream beside one that waits for the rest of a character: {both[1]}")
assel.LineParser.utf8dec.reset()

one, other = assel.Parser(), assel.Parser()
first, second = "data: é\n\n".encode(), "data: ü is the other's\n\n".encode()
swapped = [told(one, first[:middle]), told(other, second[:middle - 1]), told(one, first[middle:])]
print(f"two streams, both cut at a letter: {swapped}")
assel.LineParser.utf8dec.reset()

ended = assel.Parser()
told(ended, word[:middle])
late = told(assel.Parser(), b"data: next\n\n")
print(f"the next stream, after one that broke off in a character: {late}")
failed = "UnicodeDecodeError: invalid continuation byte"
sys.exit([alone, both[1], late] != [["é"], failed, failed])
PY
env/bin/python look.py
