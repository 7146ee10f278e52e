"""What every sample server here does: it upper-cases a text, after a while if asked, or fails.

It notes what happens in a file, so that one can see from outside whether a call goes on after its client has left.
"""

import json
import os
import time

TICK_SECONDS = 0.1


def note(event, **more):
    with open(os.environ["FIELD_LOG"], "a", encoding="utf-8") as log:
        log.write(json.dumps({"event": event, "at": time.time(), **more}) + "\n")


def work(text, seconds=0.0, fail="", has_left=lambda: False):
    """Blocks for `seconds` as a model would, unless its client has left, then answers. Raises ValueError if `fail` is not empty."""
    note("began", text=text)
    if fail:
        note("failed", text=text)
        raise ValueError(fail)
    for _ in range(round(seconds / TICK_SECONDS)):
        time.sleep(TICK_SECONDS)
        note("tick", text=text)
        if has_left():
            note("stopped", text=text)
            return ""
    note("ended", text=text)
    return text.upper()


def words(text, seconds=0.0):
    """The same, word by word: as many as `seconds` has ticks, and at least those of the text."""
    note("began", text=text)
    done = False
    try:
        given = text.upper().split(" ")
        for number in range(max(len(given), round(seconds / TICK_SECONDS))):
            time.sleep(TICK_SECONDS if seconds else 0)
            note("tick", text=text)
            yield given[number % len(given)] + " "
        done = True
    finally:
        note("ended" if done else "stopped", text=text)
