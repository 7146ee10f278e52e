#!/usr/bin/env bash
# standardwebhooks' and svix's Python `sign` take the clock of any time zone for UTC, so the signature is of another second.
# Packages: standardwebhooks 1.1.0, svix 2.9.1 (PyPI).
# A good guess: a datetime that knows its zone is an instant, and the signature is of that instant, as JavaScript's `sign` of a Date is.
# Seen: the zone is replaced, not converted. A message signed at 12:00+02:00 has the signature of 12:00 UTC, and with the right timestamp
# in its header it is refused by `verify` of the same package.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check standardwebhooks==1.1.0 svix==2.9.1
cat > look.py <<'PY'
import sys
from datetime import datetime, timedelta, timezone

import standardwebhooks
import svix

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
now = datetime.now(timezone.utc)
seen = []
for package in [standardwebhooks, svix]:
    webhook = package.Webhook(SECRET)
    for at in [now, now.astimezone(timezone(timedelta(hours=2)))]:
        headers = {"webhook-id": "1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": webhook.sign("1", at, "{}")}
        try:
            webhook.verify("{}", headers)
            seen.append("verified")
        except Exception as error:
            seen.append(str(error))
        print(f"{package.__name__}, signed at the same instant as {at.tzinfo}: {seen[-1]}")
sys.exit(0 if seen == ["verified", "No matching signature found"] * 2 else 1)
PY
env/bin/python look.py
