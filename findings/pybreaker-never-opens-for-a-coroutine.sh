#!/usr/bin/env bash
# pybreaker never opens for a coroutine, whose failures it counts as successes.
# Package: pybreaker 1.4.1 (PyPI). A good guess: a breaker around `async def` counts the failures of its calls, or refuses the function, as it counts
# those of a function and, with care, of a generator. Seen: the decorator takes it and sees each call succeed, for it hands a coroutine back; four
# failures leave it closed with none counted, and set the count of the plain calls beside it to 0. So a client of a GPU server that is down
# goes on asking, behind a breaker that says all is well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check pybreaker==1.4.1
cat > look.py <<'PY'
import asyncio
import sys

from pybreaker import CircuitBreaker


def told(call):
    try:
        call()
        return "success"
    except Exception as error:
        return type(error).__name__


def look(make):
    breaker = CircuitBreaker(fail_max=2, throw_new_error_on_trip=False)
    call = make(breaker)
    return [told(call) for _ in range(4)], breaker.current_state


def plain(breaker):
    @breaker
    def ask():
        raise ConnectionError

    return ask


def generator(breaker):
    @breaker
    def ask():
        yield 1
        raise ConnectionError

    return lambda: list(ask())


def coroutine(breaker):
    @breaker
    async def ask():
        raise ConnectionError

    return lambda: asyncio.run(ask())


seen = {make.__name__: look(make) for make in (plain, generator, coroutine)}
for name, (errors, state) in seen.items():
    print(f"{name}: {errors}, {state}")
mixed = CircuitBreaker(fail_max=2)
told(plain(mixed))
before = mixed.fail_counter
told(coroutine(mixed))
print(f"failures counted before a coroutine that fails: {before}, after it: {mixed.fail_counter}")
opened = ["ConnectionError", "ConnectionError", "CircuitBreakerError", "CircuitBreakerError"]
good = seen["plain"] == seen["generator"] == (opened, "open") and seen["coroutine"] == (["ConnectionError"] * 4, "closed")
sys.exit(0 if good and (before, mixed.fail_counter) == (1, 0) else 1)
PY
env/bin/python look.py
