"""How the programs in this folder say what they saw: one line of JSON for each look."""

import json
import os
import traceback

URL = os.environ["CLAIMCHECK_URL"]
KEY = os.environ["CLAIMCHECK_KEY"]
WORDS = "Red and blue 🙂"
VECTOR = [0.5, 1, -0.25]


def say(name, good, saw):
    print(json.dumps({"look": name, "good": bool(good), "saw": str(saw)}), flush=True)


def look(name):
    """Runs the function at once; it returns (good, saw), and what it raises is what was seen."""

    def run(function):
        try:
            good, saw = function()
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            good, saw = False, f"{type(error).__name__}: {str(error)[:300]} ({os.path.basename(where.filename)}:{where.lineno})"
        say(name, good, saw)
        return function

    return run


def raised(call, kind):
    """(good, saw) of a call that must raise an error of this kind."""
    try:
        return False, f"no error, but {call()!r}"
    except kind as error:
        return True, f"{type(error).__name__}: {str(error)[:200]}"
