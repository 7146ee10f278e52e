#!/usr/bin/env bash
# pydantic reads a number of JSON into a Decimal by way of a double, so its last digits are others.
# Package: pydantic 2.14.4 (PyPI). A good guess: a member that is declared a Decimal, as prices and amounts are, gets the digits that stand
# in the JSON: that is what the type is for, and Python's json gives them with `parse_float=Decimal`. Seen: 0.1 and 12.34 come as they
# were; of 123456789012345678.25 the Decimal is 123456789012345680, and 0.30000000000000000001 is 0.3; 1.10 is 1.1; 1e400 is refused as
# not finite. The same digits in a string are exact, and integers are, whatever their size.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check pydantic==2.14.4
cat > look.py <<'PY'
import sys
from decimal import Decimal

from pydantic import BaseModel, ValidationError


class Cost(BaseModel):
    amount: Decimal


def read(text):
    try:
        return str(Cost.model_validate_json(f'{{"amount": {text}}}').amount)
    except ValidationError as error:
        return error.errors()[0]["type"]


seen = {}
for text in ("12.34", "1.10", "123456789012345678.25", "0.30000000000000000001", "123456789012345678901234567890", "1e400"):
    seen[text] = [read(text), read(f'"{text}"')]
    print(f"{text:32} as a number: {seen[text][0]:32} as a string: {seen[text][1]}")
as_number = ["12.34", "1.1", "123456789012345680", "0.3", "123456789012345678901234567890", "finite_number"]
sys.exit(0 if [number for number, _ in seen.values()] == as_number and all(Decimal(text) == Decimal(string) for text, (_, string) in seen.items()) else 1)
PY
env/bin/python look.py
