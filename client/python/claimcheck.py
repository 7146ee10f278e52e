"""The Python client of Claimcheck: one file, standard library only, Python 3.10 or newer.

    from claimcheck import Claimcheck

    client = Claimcheck("https://claimcheck.example", key="ck_…")
    colours = client.run("palette", {"image": picture})

`AsyncClaimcheck` has the same methods, to be awaited. Both may be used by many threads or tasks at once.

Every method is written once, as a generator that yields the requests and pauses it needs; `Claimcheck` carries them out one
after the other, `AsyncClaimcheck` on the event loop.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import http.client
import io
import json
import math
import os
import random
import ssl
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal, TypeVar
from urllib.parse import quote, urlencode, urlsplit

__all__ = [
    "ApiError",
    "AsyncClaimcheck",
    "Claimcheck",
    "ClaimcheckError",
    "ConnectionFailed",
    "File",
    "Inference",
    "InferenceFailed",
    "InvalidSignature",
    "WaitTimeout",
    "verify",
]
__version__ = "0.1.0"

Status = Literal["queued", "in_progress", "succeeded", "failed", "canceled", "expired"]

WAIT_SECONDS = 30
"""How long one request waits for an inference before it asks again."""
TIMEOUT_SECONDS = 60.0
"""How long a connection may stay silent, beside the time that a request waits."""
MAX_RETRIES = 5
PATIENT_RETRIES = 10
"""Of `run`, `wait`, `result`, `download` and `events`, which a deployment that restarts in the middle keeps waiting for most of a minute."""
LONGEST_PATIENT_PAUSE_SECONDS = 8.0
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 30.0
CHUNK_BYTES = 256 * 1024
PART_BYTES = 8 * 1024 * 1024
KEPT_CONNECTIONS = 16
BULK = 1000
"""Inferences that one request of `submit_many` carries."""
RETRIED = frozenset({408, 429, 502, 503, 504})

T = TypeVar("T")


# What can go wrong


class ClaimcheckError(Exception):
    """The base of everything that this module raises about a deployment."""


class ConnectionFailed(ClaimcheckError):
    """No answer came, or it was cut; the retries are used up. What was asked may have been done."""


class ApiError(ClaimcheckError):
    """The deployment refused a request. `code` is for programs, `detail` for people."""

    def __init__(self, status: int, problem: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        self.status = status
        self.code: str = str(problem.get("code", "unknown"))
        self.detail: str = str(problem.get("detail") or problem.get("title") or f"HTTP {status}")
        self.errors: Sequence[Mapping[str, str]] = problem.get("errors") or []
        self.request_id: str | None = problem.get("request_id") or headers.get("x-request-id")
        self.retry_after: float | None = _retry_after(headers)
        self.problem = dict(problem)
        places = "".join(f"\n  {error.get('detail', '')}" for error in self.errors if error.get("detail", "") not in self.detail)
        super().__init__(f"{status} {self.code}: {self.detail}{places}")


class InferenceFailed(ClaimcheckError):
    """An inference that was waited for did not succeed."""

    def __init__(self, inference: Inference) -> None:
        self.inference = inference
        error = inference.error or {}
        why = f": {error.get('code')}: {error.get('message')}" if error else ""
        super().__init__(f"the inference {inference.id} is {inference.status}{why}")


class WaitTimeout(ClaimcheckError):
    """The inference has not ended within the time that the caller gave; it goes on."""

    def __init__(self, inference: Inference) -> None:
        self.inference = inference
        super().__init__(f"the inference {inference.id} is still {inference.status}")


class InvalidSignature(ClaimcheckError):
    """A webhook that was not signed with this secret, was changed, or is too old."""


# What comes back


@dataclass(frozen=True)
class Inference:
    """An inference as the deployment shows it. `raw` has all members, also those that this version does not know."""

    id: str
    model: str
    status: Status
    is_final: bool
    version: str | None = None
    priority: int = 0
    attempts: int = 0
    created_at: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    expires_at: str | None = None
    waiting_on: str | None = None
    queue_position: int | str | None = None
    estimated_start_at: str | None = None
    poll_after: int | None = None
    output: Any = None
    output_parts: Sequence[Mapping[str, Any]] = ()
    error: Mapping[str, Any] | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def succeeded(self) -> bool:
        return self.status == "succeeded"

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Inference:
        known = {name: raw[name] for name in cls.__dataclass_fields__ if name != "raw" and raw.get(name) is not None}
        return cls(**known, raw=raw)


@dataclass(frozen=True)
class File:
    """A file of the account. Put `reference` into an input where the model wants the file."""

    id: str
    reference: str
    bytes: int
    content_type: str
    sha256: str | None = None
    name: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> File:
        known = {name: raw[name] for name in cls.__dataclass_fields__ if name != "raw" and raw.get(name) is not None}
        return cls(**known, raw=raw)


Event = Mapping[str, Any]
Progress = Callable[[int, int], None]
"""Called with the bytes that are through and the bytes in all."""
Named = str | Inference
NamedFile = str | File


# The steps that a method is made of


@dataclass
class _Call:
    method: str
    path: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    """May be sent again if no answer came."""
    repeatable: bool = True
    """Would rather wait for a deployment that restarts than fail."""
    patient: bool = False
    streams: bool = False
    timeout: float = TIMEOUT_SECONDS


@dataclass
class _Pause:
    seconds: float


@dataclass
class _Read:
    """The next bytes of a streamed answer; b"" at its end."""

    answer: _Answer


@dataclass
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    handle: Any = None
    """The connection of a streamed answer."""

    def json(self) -> Any:
        return json.loads(self.body)


_Step = _Call | _Pause | _Read
_Flow = Generator[_Step, Any, T]


def _retry_after(headers: Mapping[str, str]) -> float | None:
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        with contextlib.suppress(KeyError, ValueError):
            return max(0.0, float(headers[name]) / unit)
    return None


def _pause_before(retry: int, told: float | None, longest: float = LONGEST_PAUSE_SECONDS) -> float:
    if told is not None:
        return min(told, LONGEST_PAUSE_SECONDS) + random.random() * 0.01
    return min(longest, FIRST_PAUSE_SECONDS * 2.0**retry) * (0.5 + random.random() / 2)


def _asked(call: _Call) -> _Flow[_Answer]:
    """One request with its retries. Raises ApiError for what is refused and ConnectionFailed if no answer comes."""
    retries, longest = (PATIENT_RETRIES, LONGEST_PATIENT_PAUSE_SECONDS) if call.patient else (MAX_RETRIES, LONGEST_PAUSE_SECONDS)
    for retry in range(retries + 1):
        last = retry == retries
        try:
            answer: _Answer = yield call
        except (OSError, http.client.HTTPException, EOFError) as error:
            if last or not call.repeatable:
                raise ConnectionFailed(f"{call.method} {call.path}: {error or type(error).__name__}") from error
            yield _Pause(_pause_before(retry, None, longest))
            continue
        if answer.status < 400:
            return answer
        if answer.handle is not None:
            answer.body = yield from _rest(answer)
        told = _retry_after(answer.headers)
        if answer.status not in RETRIED or last or not (call.repeatable or answer.status == 429):
            raise ApiError(answer.status, _problem(answer), answer.headers)
        yield _Pause(_pause_before(retry, told, longest))
    raise AssertionError("the last try returns or raises")


def _problem(answer: _Answer) -> Mapping[str, Any]:
    with contextlib.suppress(ValueError):
        problem = answer.json()
        if isinstance(problem, dict):
            return problem
    return {"detail": answer.body[:500].decode("utf-8", "replace").strip()}


def _rest(answer: _Answer) -> _Flow[bytes]:
    """What is left of an answer; what came of it, if it is cut."""
    parts: list[bytes] = []
    with contextlib.suppress(OSError, http.client.HTTPException, EOFError):
        while chunk := (yield _Read(answer)):
            parts.append(chunk)
    return b"".join(parts)


def _post(path: str, body: Any = None, *, headers: Mapping[str, str] | None = None, repeatable: bool = False) -> _Call:
    text = None if body is None else json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
    typed = {} if text is None else {"Content-Type": "application/json"}
    return _Call("POST", path, text, {**typed, **(headers or {})}, repeatable)


def _id(named: Named | NamedFile) -> str:
    return quote(named if isinstance(named, str) else named.id, safe="")


def _query(path: str, given: Mapping[str, Any]) -> str:
    words: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        if name == "metadata" and isinstance(value, Mapping):
            words.update({f"metadata[{key}]": text for key, text in value.items()})
        elif isinstance(value, (list, tuple)):
            words[name] = ",".join(map(str, value))
        else:
            words[name] = "true" if value is True else "false" if value is False else value
    return f"{path}?{urlencode(words)}" if words else path


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


class _Flows:
    """The methods of both clients, each as the steps that it takes."""

    def submit(
        self,
        model: str,
        input: Any,
        *,
        wait: float | None = None,
        idempotency_key: str | None = None,
        _patient: bool = False,
        **options: Any,
    ) -> _Flow[Inference]:
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        if wait:
            headers["Prefer"] = _prefer(wait)
        call = _post("/v1/inferences", _given(model=model, input=input, **options), headers=headers, repeatable=True)
        call.timeout += wait or 0
        call.patient = _patient
        answer = yield from _asked(call)
        return Inference.of(answer.json())

    def run(self, model: str, input: Any, *, timeout: float | None = None, **options: Any) -> _Flow[Any]:
        until = None if timeout is None else time.monotonic() + timeout
        first = WAIT_SECONDS if timeout is None else min(WAIT_SECONDS, timeout)
        inference = yield from self.submit(model, input, wait=first, _patient=True, **options)
        inference = yield from self.wait(inference, timeout=None if until is None else max(0.0, until - time.monotonic()))
        if not inference.succeeded:
            raise InferenceFailed(inference)
        if inference.output is not None:
            return inference.output
        return (yield from self.result(inference))

    def get(self, inference: Named, *, wait: float = 0, logs: bool = False) -> _Flow[Inference]:
        headers = {"Prefer": _prefer(wait)} if wait else {}
        path = _query(f"/v1/inferences/{_id(inference)}", {"logs": "1" if logs else None})
        answer = yield from _asked(_Call("GET", path, headers=headers, timeout=TIMEOUT_SECONDS + wait))
        return Inference.of(answer.json())

    def wait(self, inference: Named, *, timeout: float | None = None) -> _Flow[Inference]:
        until = None if timeout is None else time.monotonic() + timeout
        seen = inference if isinstance(inference, Inference) else None
        while True:
            if seen and seen.is_final:
                return seen
            left = float(WAIT_SECONDS) if until is None else until - time.monotonic()
            if seen and left <= 0:
                raise WaitTimeout(seen)
            asked = max(1, min(WAIT_SECONDS, round(left)))
            began = time.monotonic()
            headers = {"Prefer": f"wait={asked}"}
            call = _Call("GET", f"/v1/inferences/{_id(inference)}", headers=headers, patient=True, timeout=TIMEOUT_SECONDS + asked)
            answer = yield from _asked(call)
            seen = Inference.of(answer.json())
            # An older deployment, or one that has no room for waiting requests, answers at once.
            if not seen.is_final and time.monotonic() - began < asked / 2:
                pause = float(seen.poll_after or 1)
                yield _Pause(pause if until is None else min(pause, max(0.0, until - time.monotonic())))

    def result(self, inference: Named, *, part: str | None = None) -> _Flow[Any]:
        answer = yield from _asked(_Call("GET", _result_path(inference, part), patient=True))
        kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
        return answer.json() if kind == "application/json" or kind.endswith("+json") else answer.body

    def download(
        self, inference: Named, to: str | os.PathLike[str], *, part: str | None = None, progress: Progress | None = None
    ) -> _Flow[int]:
        """Beside the file lies `NAME.part` until all is there; it goes on where it was cut."""
        path, whole = f"{os.fspath(to)}.part", _result_path(inference, part)
        tag, digest, retry = None, None, 0
        if os.path.exists(path):
            os.remove(path)
        while True:
            there = os.path.getsize(path) if os.path.exists(path) else 0
            headers = {"Accept-Encoding": "identity"}
            if there and tag:
                headers |= {"Range": f"bytes={there}-", "If-Range": tag}
            answer = yield from _asked(_Call("GET", whole, headers=headers, patient=True, streams=True))
            if answer.status != 206:
                there = 0
            tag, digest = answer.headers.get("etag", tag), answer.headers.get("repr-digest", digest)
            total = there + int(answer.headers.get("content-length", 0))
            cut: Exception | None = None
            # What can't be written is no cut: it is raised as it comes.
            with open(path, "r+b" if there else "wb") as out:
                out.seek(there)
                while True:
                    try:
                        chunk = yield _Read(answer)
                    except (OSError, http.client.HTTPException, EOFError) as error:
                        cut = error
                        break
                    if not chunk:
                        break
                    out.write(chunk)
                    there += len(chunk)
                    if progress:
                        progress(there, max(total, there))
            if cut is None:
                break
            retry += 1
            if retry > MAX_RETRIES:
                raise ConnectionFailed(f"the result was cut after {there} of {total} bytes") from cut
            yield _Pause(_pause_before(retry, None))
        _check_digest(path, digest)
        os.replace(path, to)
        return there

    def cancel(self, inference: Named) -> _Flow[Inference]:
        answer = yield from _asked(_post(f"/v1/inferences/{_id(inference)}/cancel", repeatable=True))
        return Inference.of(answer.json())

    def redrive(self, inference: Named) -> _Flow[Inference]:
        answer = yield from _asked(_post(f"/v1/inferences/{_id(inference)}/redrive"))
        return Inference.of(answer.json())

    def cancel_many(self, **filters: Any) -> _Flow[Mapping[str, Any]]:
        pages = yield from self._by_filter("cancel", filters)
        return {
            "looked_at": sum(page["looked_at"] for page in pages),
            "canceled": sum(page.get("canceled", page.get("matched", 0)) for page in pages),
        }

    def redrive_many(self, **filters: Any) -> _Flow[Mapping[str, Any]]:
        pages = yield from self._by_filter("redrive", filters)
        refused: dict[str, int] = {}
        for one in (one for page in pages for one in page["refused"]):
            refused[one["code"]] = refused.get(one["code"], 0) + one["count"]
        return {
            "looked_at": sum(page["looked_at"] for page in pages),
            "redriven": sum(page.get("redriven", page.get("matched", 0)) for page in pages),
            "refused": refused,
        }

    def _by_filter(self, verb: str, filters: Mapping[str, Any]) -> _Flow[list[dict[str, Any]]]:
        pages: list[dict[str, Any]] = []
        while not pages or pages[-1]["next"] is not None:
            body = _given(**{**filters, "after": pages[-1]["next"]} if pages else filters)
            call = _post(f"/v1/inferences/{verb}", body, repeatable=verb == "cancel")  # a redrive may begin a second run
            pages.append((yield from _asked(call)).json())
        return pages

    def link(self, inference: Named, **options: Any) -> _Flow[Mapping[str, Any]]:
        answer = yield from _asked(_post(f"/v1/inferences/{_id(inference)}/link", _given(**options), repeatable=True))
        link: Mapping[str, Any] = answer.json()
        return link

    def delete(self, inference: Named) -> _Flow[None]:
        yield from _asked(_Call("DELETE", f"/v1/inferences/{_id(inference)}"))

    def me(self) -> _Flow[Mapping[str, Any]]:
        answer = yield from _asked(_Call("GET", "/v1/me"))
        return dict(answer.json())

    def usage(self, **filters: Any) -> _Flow[Mapping[str, Any]]:
        answer = yield from _asked(_Call("GET", _query("/v1/usage", filters)))
        return dict(answer.json())

    def page(self, path: str) -> _Flow[tuple[list[Inference], str | None]]:
        """One page of a list, and the path of the next one."""
        answer = (yield from _asked(_Call("GET", path))).json()
        return [Inference.of(raw) for raw in answer["data"]], answer.get("next")

    def submit_many(self, inferences: Sequence[Mapping[str, Any]]) -> _Flow[list[Inference | ApiError]]:
        results: list[Inference | ApiError] = []
        for begin in range(0, len(inferences), BULK):
            page = inferences[begin : begin + BULK]
            lines = [{**one, "idempotency_key": one.get("idempotency_key") or str(uuid.uuid4())} for one in page]
            answer = (yield from _asked(_post("/v1/inferences/bulk", lines, repeatable=True))).json()
            for one in answer["results"]:
                problem = one.get("error")
                results.append(ApiError(problem.get("status", 422), problem, {}) if problem else Inference.of(one["inference"]))
        return results

    def upload(
        self,
        source: str | os.PathLike[str] | bytes | BinaryIO,
        *,
        name: str | None = None,
        content_type: str | None = None,
        progress: Progress | None = None,
        resume: str | None = None,
        started: Callable[[str], None] | None = None,
    ) -> _Flow[File]:
        stream, ours = _opened(source)
        try:
            total = stream.seek(0, os.SEEK_END)
            named = name or (os.path.basename(os.fspath(source)) if isinstance(source, (str, os.PathLike)) else None)
            if total <= PART_BYTES and resume is None:
                stream.seek(0)
                whole = stream.read()
                return (yield from self._upload_whole(whole, named, content_type, progress))
            return (yield from self._upload_parts(stream, total, named, content_type, progress, resume, started))
        finally:
            if ours:
                stream.close()

    def _upload_whole(self, whole: bytes, name: str | None, content_type: str | None, progress: Progress | None) -> _Flow[File]:
        path = _query("/v1/files", {"name": name, "sha256": hashlib.sha256(whole).hexdigest(), "empty": None if whole else 1})
        headers = {"Content-Type": content_type or "application/octet-stream"}
        answer = yield from _asked(_Call("POST", path, whole, headers))
        if progress:
            progress(len(whole), len(whole))
        return File.of(answer.json())

    def _upload_parts(
        self,
        stream: BinaryIO,
        total: int,
        name: str | None,
        content_type: str | None,
        progress: Progress | None,
        resume: str | None,
        started: Callable[[str], None] | None,
    ) -> _Flow[File]:
        upload = None if resume is None else (yield from self._begun(resume, total))
        if upload is None:
            upload = (yield from _asked(_post("/v1/uploads", _given(bytes=total, name=name, content_type=content_type)))).json()
        if started:
            started(upload["id"])
        # One that is complete has no parts any more.
        size, there = int(upload["part_bytes"] or total), set(upload["received"])
        through = sum(min(size, total - (number - 1) * size) for number in there)
        for number in range(1, int(upload["parts"]) + 1):
            if number in there or upload["status"] != "uploading":
                continue
            stream.seek((number - 1) * size)
            part = stream.read(min(size, total - (number - 1) * size))
            digest = base64.b64encode(hashlib.sha256(part).digest()).decode()
            headers = {"Content-Type": "application/octet-stream", "Content-Digest": f"sha-256=:{digest}:"}
            yield from _asked(_Call("PUT", f"/v1/uploads/{upload['id']}/parts/{number}", part, headers))
            through += len(part)
            if progress:
                progress(through, total)
        answer = yield from _asked(_post(f"/v1/uploads/{upload['id']}/complete", repeatable=True))
        return File.of(answer.json())

    def _begun(self, resume: str, total: int) -> _Flow[dict[str, Any] | None]:
        """The upload to resume; None if there is none, or the deployment has forgotten it."""
        try:
            found: dict[str, Any] = (yield from _asked(_Call("GET", f"/v1/uploads/{quote(resume, safe='')}"))).json()
        except ApiError as error:
            if error.status in (404, 410):
                return None
            raise
        if found["bytes"] == total:
            return found
        raise ClaimcheckError(
            f"The upload {resume} is of a file of {found['bytes']} bytes, and this one has {total}. Upload it without `resume`."
        )

    def link_file(self, file: NamedFile, **options: Any) -> _Flow[Mapping[str, Any]]:
        answer = yield from _asked(_post(f"/v1/files/{_id(file)}/link", _given(**options), repeatable=True))
        link: Mapping[str, Any] = answer.json()
        return link

    def events(self, path: str, after: str | None) -> _Flow[_Answer]:
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
        return (yield from _asked(_Call("GET", path, headers=headers, patient=True, streams=True)))


def _prefer(wait: float) -> str:
    """A deployment takes whole seconds, up to a minute."""
    return f"wait={max(0, min(60, math.ceil(wait)))}"


def _result_path(inference: Named, part: str | None) -> str:
    return f"/v1/inferences/{_id(inference)}/result" + (f"/{quote(part, safe='')}" if part else "")


def _check_digest(path: str, header: str | None) -> None:
    wanted = (header or "").partition("sha-256=:")[2].partition(":")[0]
    if not wanted:
        return
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    if base64.b64encode(digest.digest()).decode() != wanted:
        os.remove(path)
        raise ConnectionFailed("the result's digest is not the one that the deployment gave")


def _opened(source: str | os.PathLike[str] | bytes | BinaryIO) -> tuple[BinaryIO, bool]:
    if isinstance(source, bytes):
        return io.BytesIO(source), True
    if isinstance(source, (str, os.PathLike)):
        return open(source, "rb"), True
    return source, False


class _Lines:
    """Server-sent events out of bytes, as the HTML standard reads them."""

    def __init__(self) -> None:
        self._left = b""
        self._event: dict[str, Any] = {}
        self._data: list[str] = []
        self.last_id: str | None = None
        """Of the last event that came whole."""

    def begin(self) -> None:
        """Another connection begins: what was cut of an event on the last one comes again."""
        self._left, self._event, self._data = b"", {}, []

    def events(self, chunk: bytes) -> Iterator[Event]:
        *lines, self._left = (self._left + chunk).replace(b"\r\n", b"\n").split(b"\n")
        for line in lines:
            event = self._line(line.decode("utf-8", "replace"))
            if event:
                yield event

    def _line(self, line: str) -> Event | None:
        if line == "":
            event, data = self._event, "\n".join(self._data)
            self._event, self._data = {}, []
            self.last_id = event.get("id", self.last_id)
            if not data:
                return None
            with contextlib.suppress(ValueError):
                return {"type": event.get("event", "message"), "id": self.last_id, "data": json.loads(data)}
            return {"type": event.get("event", "message"), "id": self.last_id, "data": data}
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name in ("id", "event"):
            self._event[name] = value
        return None


class _Settings:
    def __init__(self, url: str | None, key: str | None) -> None:
        url = url or os.environ.get("CLAIMCHECK_URL", "")
        self._key = key or os.environ.get("CLAIMCHECK_KEY", "")
        parts = urlsplit(url.rstrip("/"))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(
                f'url must be the deployment\'s address, such as "https://claimcheck.example", and is "{url}"; it is read from CLAIMCHECK_URL too'
            )
        if not self._key:
            raise ValueError("key is missing; it is read from CLAIMCHECK_KEY too")
        self._secure = parts.scheme == "https"
        self._host: str = parts.hostname
        self._port: int = parts.port or (443 if self._secure else 80)
        self._netloc = parts.netloc
        self._base = parts.path
        self._tls = ssl.create_default_context() if self._secure else None
        self._flows = _Flows()

    def _headers(self, call: _Call) -> dict[str, str]:
        told = {
            "Host": self._netloc,
            "Authorization": f"Bearer {self._key}",
            "Accept": "*/*",
            "User-Agent": f"claimcheck-python/{__version__}",
        }
        if call.body is not None or call.method in ("POST", "PUT"):
            told["Content-Length"] = str(len(call.body or b""))
        return {**told, **call.headers}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._netloc}{self._base})"


class Claimcheck(_Settings):
    """A deployment, as one key sees it. `url` and `key` are read from CLAIMCHECK_URL and CLAIMCHECK_KEY if they are not given."""

    def __init__(self, url: str | None = None, key: str | None = None) -> None:
        super().__init__(url, key)
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Claimcheck:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections that are kept. The client can be used again."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def submit(self, model: str, input: Any, **options: Any) -> Inference:
        """Submits an inference and returns it at once. Options are the members of `POST /v1/inferences` (version, priority,
        metadata, webhook, retry, …), `wait` (seconds to wait for its end, up to 60) and `idempotency_key`."""
        return self._done(self._flows.submit(model, input, **options))

    def run(self, model: str, input: Any, *, timeout: float | None = None, **options: Any) -> Any:
        """Submits an inference, waits for its end and returns its output: JSON, or bytes of any other type.
        Raises InferenceFailed if it does not succeed and WaitTimeout if it has not ended after `timeout` seconds."""
        return self._done(self._flows.run(model, input, timeout=timeout, **options))

    def get(self, inference: Named, *, wait: float = 0, logs: bool = False) -> Inference:
        """The inference as it is now, or, with `wait`, as soon as it has ended or that many seconds are over."""
        return self._done(self._flows.get(inference, wait=wait, logs=logs))

    def wait(self, inference: Named, *, timeout: float | None = None) -> Inference:
        """Waits until the inference has ended, however it ended. Raises WaitTimeout after `timeout` seconds."""
        return self._done(self._flows.wait(inference, timeout=timeout))

    def result(self, inference: Named, *, part: str | None = None) -> Any:
        """The output: JSON, or bytes of any other type. `part` names one of the parts that came beside it."""
        return self._done(self._flows.result(inference, part=part))

    def download(self, inference: Named, to: str | os.PathLike[str], *, part: str | None = None, progress: Progress | None = None) -> int:
        """Writes the output to a file, goes on where the connection was cut, checks its digest and returns its length in bytes."""
        return self._done(self._flows.download(inference, to, part=part, progress=progress))

    def cancel(self, inference: Named) -> Inference:
        return self._done(self._flows.cancel(inference))

    def redrive(self, inference: Named) -> Inference:
        """Queues a failed or expired inference again under its id."""
        return self._done(self._flows.redrive(inference))

    def cancel_many(self, **filters: Any) -> Mapping[str, Any]:
        """Cancels all that the filters of `list` pick, of which one at least is wanted; with `dry_run=True` only counts them. Returns
        `looked_at` and `canceled`."""
        return self._done(self._flows.cancel_many(**filters))

    def redrive_many(self, **filters: Any) -> Mapping[str, Any]:
        """Queues all failed and expired ones again that the filters of `list` pick, likewise. Returns `looked_at`, `redriven`, and
        `refused`: those that can't run again, by code."""
        return self._done(self._flows.redrive_many(**filters))

    def link(self, inference: Named, **options: Any) -> Mapping[str, Any]:
        """A link to the result that needs no key: `url`, `methods` and `expires_at`. Options: `part`, `expires_in_seconds` and `methods`."""
        return self._done(self._flows.link(inference, **options))

    def delete(self, inference: Named) -> None:
        """Removes an inference that has ended, with its input and output."""
        self._done(self._flows.delete(inference))

    def list(self, **filters: Any) -> Iterator[Inference]:
        """The account's inferences, newest first, page by page. Filters are those of `GET /v1/inferences`; `metadata` is a mapping."""
        path: str | None = _query("/v1/inferences", filters)
        while path:
            page, after = self._done(self._flows.page(path))
            yield from page
            path = _query("/v1/inferences", {**filters, "after": after}) if after else None

    def submit_many(self, inferences: Sequence[Mapping[str, Any]]) -> Sequence[Inference | ApiError]:
        """Submits many, 1000 a request; each is a mapping with `model`, `input` and what else a submit takes. Of each comes its
        inference or the error that refused it, in their order."""
        return self._done(self._flows.submit_many(inferences))

    def upload(self, source: str | os.PathLike[str] | bytes | BinaryIO, **options: Any) -> File:
        """Uploads a file (a path, bytes, or a file that can be sought). Options: `name`, `content_type`, `progress(through, total)`,
        `started(upload_id)`, called where it is sent in parts, and `resume`, an upload's id, to go on with it."""
        return self._done(self._flows.upload(source, **options))

    def link_file(self, file: NamedFile, **options: Any) -> Mapping[str, Any]:
        """A link to a file that needs no key, likewise. Options: `expires_in_seconds` and `methods`."""
        return self._done(self._flows.link_file(file, **options))

    def me(self) -> Mapping[str, Any]:
        """The account, the key, their limits and what is left of them."""
        return self._done(self._flows.me())

    def usage(self, **filters: Any) -> Mapping[str, Any]:
        return self._done(self._flows.usage(**filters))

    def events(self, inference: Named | None = None, *, after: str | None = None, **filters: Any) -> Iterator[Event]:
        """What happens to one inference until it ends, or to all of the account's that the filters name. Connects again where it
        was cut and goes on after the last event."""
        path = f"/v1/inferences/{_id(inference)}/events" if inference is not None else _query("/v1/events", filters)
        return self._follow(path, after, lambda event: inference is not None and event["type"] == "final")

    def stream(self, inference: Named, *, after: str | None = None) -> Iterator[Event]:
        """The output of an inference that was submitted with `stream=True`, until it ends, from its beginning or after an event. Connects
        again where it was cut. An event `restart` says that another attempt begins: what came before is void."""
        return self._follow(f"/v1/inferences/{_id(inference)}/stream", after, lambda event: str(event["id"]).endswith(".end"))

    def _follow(self, path: str, after: str | None, is_last: Callable[[Event], bool]) -> Iterator[Event]:
        lines, retry = _Lines(), 0
        lines.last_id = after
        while True:
            answer = self._done(self._flows.events(path, lines.last_id))
            lines.begin()
            try:
                while chunk := self._step(_Read(answer)):
                    retry = 0
                    for event in lines.events(chunk):
                        yield event
                        if is_last(event):
                            return
                if answer.status == 204:
                    return
            except (OSError, http.client.HTTPException, EOFError) as error:
                if retry == MAX_RETRIES:
                    raise ConnectionFailed("the events were cut") from error
            finally:
                answer.handle[0].close()
            time.sleep(_pause_before(retry, None))
            retry += 1

    def _done(self, flow: _Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                try:
                    told = self._step(step)
                except (OSError, http.client.HTTPException, EOFError) as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(told)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    def _step(self, step: _Step) -> Any:
        if isinstance(step, _Pause):
            return time.sleep(step.seconds)
        if isinstance(step, _Read):
            return self._read(step.answer)
        with self._lock:
            kept = self._idle.pop() if self._idle and step.repeatable else None
        # The other side may have closed a kept connection at any time; then a new one is asked.
        if kept is not None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self._exchange(kept, step)
        return self._exchange(self._connect(step.timeout), step)

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        if self._tls is not None:
            return http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port, timeout=timeout)

    def _exchange(self, connection: http.client.HTTPConnection, call: _Call) -> _Answer:
        try:
            if connection.sock is not None:
                connection.sock.settimeout(call.timeout)
            connection.putrequest(call.method, self._base + call.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self._headers(call).items():
                connection.putheader(name, value)
            connection.endheaders(call.body)
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            if call.streams:
                return _Answer(response.status, headers, b"", (connection, response))
            body = response.read()
        except BaseException:
            connection.close()
            raise
        self._keep(connection, response)
        return _Answer(response.status, headers, body)

    def _read(self, answer: _Answer) -> bytes:
        connection, response = answer.handle
        chunk: bytes = response.read1(CHUNK_BYTES)
        if not chunk:
            left = response.length
            if left:
                raise EOFError(f"cut, {left} bytes before its end")
            response.close()  # read1 leaves it open at the end of its length, and then the connection takes no other request
            self._keep(connection, response)
        return chunk

    def _keep(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        if response.will_close or connection.sock is None:
            return connection.close()
        with self._lock:
            if len(self._idle) < KEPT_CONNECTIONS:
                return self._idle.append(connection)
        connection.close()


class AsyncClaimcheck(_Settings):
    """As Claimcheck, on the event loop."""

    def __init__(self, url: str | None = None, key: str | None = None) -> None:
        super().__init__(url, key)
        self._idle: list[_Connection] = []

    async def __aenter__(self) -> AsyncClaimcheck:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    async def submit(self, model: str, input: Any, **options: Any) -> Inference:
        return await self._done(self._flows.submit(model, input, **options))

    async def run(self, model: str, input: Any, *, timeout: float | None = None, **options: Any) -> Any:
        return await self._done(self._flows.run(model, input, timeout=timeout, **options))

    async def get(self, inference: Named, *, wait: float = 0, logs: bool = False) -> Inference:
        return await self._done(self._flows.get(inference, wait=wait, logs=logs))

    async def wait(self, inference: Named, *, timeout: float | None = None) -> Inference:
        return await self._done(self._flows.wait(inference, timeout=timeout))

    async def result(self, inference: Named, *, part: str | None = None) -> Any:
        return await self._done(self._flows.result(inference, part=part))

    async def download(
        self, inference: Named, to: str | os.PathLike[str], *, part: str | None = None, progress: Progress | None = None
    ) -> int:
        return await self._done(self._flows.download(inference, to, part=part, progress=progress))

    async def cancel(self, inference: Named) -> Inference:
        return await self._done(self._flows.cancel(inference))

    async def redrive(self, inference: Named) -> Inference:
        return await self._done(self._flows.redrive(inference))

    async def cancel_many(self, **filters: Any) -> Mapping[str, Any]:
        return await self._done(self._flows.cancel_many(**filters))

    async def redrive_many(self, **filters: Any) -> Mapping[str, Any]:
        return await self._done(self._flows.redrive_many(**filters))

    async def link(self, inference: Named, **options: Any) -> Mapping[str, Any]:
        return await self._done(self._flows.link(inference, **options))

    async def delete(self, inference: Named) -> None:
        await self._done(self._flows.delete(inference))

    async def list(self, **filters: Any) -> AsyncIterator[Inference]:
        path: str | None = _query("/v1/inferences", filters)
        while path:
            page, after = await self._done(self._flows.page(path))
            for inference in page:
                yield inference
            path = _query("/v1/inferences", {**filters, "after": after}) if after else None

    async def submit_many(self, inferences: Sequence[Mapping[str, Any]]) -> Sequence[Inference | ApiError]:
        return await self._done(self._flows.submit_many(inferences))

    async def upload(self, source: str | os.PathLike[str] | bytes | BinaryIO, **options: Any) -> File:
        return await self._done(self._flows.upload(source, **options))

    async def link_file(self, file: NamedFile, **options: Any) -> Mapping[str, Any]:
        return await self._done(self._flows.link_file(file, **options))

    async def me(self) -> Mapping[str, Any]:
        return await self._done(self._flows.me())

    async def usage(self, **filters: Any) -> Mapping[str, Any]:
        return await self._done(self._flows.usage(**filters))

    def events(self, inference: Named | None = None, *, after: str | None = None, **filters: Any) -> AsyncIterator[Event]:
        path = f"/v1/inferences/{_id(inference)}/events" if inference is not None else _query("/v1/events", filters)
        return self._follow(path, after, lambda event: inference is not None and event["type"] == "final")

    def stream(self, inference: Named, *, after: str | None = None) -> AsyncIterator[Event]:
        return self._follow(f"/v1/inferences/{_id(inference)}/stream", after, lambda event: str(event["id"]).endswith(".end"))

    async def _follow(self, path: str, after: str | None, is_last: Callable[[Event], bool]) -> AsyncIterator[Event]:
        lines, retry = _Lines(), 0
        lines.last_id = after
        while True:
            answer = await self._done(self._flows.events(path, lines.last_id))
            lines.begin()
            try:
                while chunk := await self._step(_Read(answer)):
                    retry = 0
                    for event in lines.events(chunk):
                        yield event
                        if is_last(event):
                            return
                if answer.status == 204:
                    return
            except (OSError, http.client.HTTPException, EOFError) as error:
                if retry == MAX_RETRIES:
                    raise ConnectionFailed("the events were cut") from error
            finally:
                answer.handle.close()
            await asyncio.sleep(_pause_before(retry, None))
            retry += 1

    async def _done(self, flow: _Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                try:
                    told = await self._step(step)
                except (OSError, http.client.HTTPException, EOFError) as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(told)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    async def _step(self, step: _Step) -> Any:
        if isinstance(step, _Pause):
            return await asyncio.sleep(step.seconds)
        if isinstance(step, _Read):
            connection: _Connection = step.answer.handle
            chunk = await asyncio.wait_for(connection.read(), TIMEOUT_SECONDS)
            if not chunk:
                self._keep(connection)
            return chunk
        kept = self._idle.pop() if self._idle and step.repeatable else None
        if kept is not None:
            with contextlib.suppress(OSError, http.client.HTTPException, EOFError):
                return await self._exchange(kept, step)
        opening = asyncio.open_connection(self._host, self._port, ssl=self._tls, limit=1 << 20)
        reader, writer = await asyncio.wait_for(opening, TIMEOUT_SECONDS)
        return await self._exchange(_Connection(reader, writer), step)

    async def _exchange(self, connection: _Connection, call: _Call) -> _Answer:
        try:
            head = f"{call.method} {self._base}{call.path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in self._headers(call).items())
            connection.writer.write(head.encode("latin-1") + b"\r\n" + (call.body or b""))
            status, headers = await asyncio.wait_for(connection.head(), call.timeout)
            if call.streams:
                return _Answer(status, headers, b"", connection)
            parts = []
            while chunk := await asyncio.wait_for(connection.read(), call.timeout):
                parts.append(chunk)
        except BaseException:
            connection.close()
            raise
        self._keep(connection)
        return _Answer(status, headers, b"".join(parts))

    def _keep(self, connection: _Connection) -> None:
        if connection.closes or len(self._idle) >= KEPT_CONNECTIONS:
            return connection.close()
        self._idle.append(connection)


class _Connection:
    """HTTP/1.1 on the event loop, which the standard library has no client for."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.closes = False
        self._left: int | None = 0
        self._chunked = False

    async def head(self) -> tuple[int, dict[str, str]]:
        while True:
            first, _, rest = (await self.reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
            version, _, after = first.decode("latin-1").partition(" ")
            if not version.startswith("HTTP/1."):
                raise http.client.BadStatusLine(version[:40])
            status = int(after[:3])
            if status >= 200:
                break
        headers = {name.lower(): value for name, value in http.client.parse_headers(io.BytesIO(rest)).items()}
        self.closes = version == "HTTP/1.0" or headers.get("connection", "").lower() == "close"
        self._chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        self._left = int(headers["content-length"]) if "content-length" in headers else None
        if status in (204, 304):
            self._chunked, self._left = False, 0
        elif self._chunked:
            self._left = 0
        elif self._left is None:
            self.closes = True
        return status, headers

    async def read(self) -> bytes:
        """The next bytes of the body; b"" at its end."""
        if self._chunked and self._left == 0:
            self._left = int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16)
            if self._left == 0:
                while await self.reader.readuntil(b"\r\n") != b"\r\n":
                    pass
                self._chunked = False
        if self._left == 0:
            return b""
        chunk = await self.reader.read(CHUNK_BYTES if self._left is None else min(CHUNK_BYTES, self._left))
        if self._left is None:
            return chunk
        if not chunk:
            raise EOFError(f"cut, {self._left} bytes before its end")
        self._left -= len(chunk)
        if self._chunked and self._left == 0:
            await self.reader.readexactly(2)
        return chunk

    def close(self) -> None:
        self.closes = True
        self.writer.close()


# Webhooks


def verify(secret: str, body: str | bytes, headers: Mapping[str, str], *, tolerance: float = 300, now: float | None = None) -> Any:
    """The event of a webhook's request, once its signature is found good (Standard Webhooks 1.0.0).

    `secret` is the account's (`whsec_…`), `body` the request's body as it came, `headers` any mapping of its headers. Raises
    InvalidSignature unless one of the signatures was made with the secret at most `tolerance` seconds ago.
    """
    told = {name.lower(): value for name, value in headers.items()}
    number, when, signatures = (told.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (number and when and signatures):
        raise InvalidSignature("webhook-id, webhook-timestamp or webhook-signature is missing")
    try:
        age = (time.time() if now is None else now) - int(when)
    except ValueError:
        raise InvalidSignature(f'webhook-timestamp must be a number of seconds, and is "{when[:40]}"') from None
    if abs(age) > tolerance:
        raise InvalidSignature(f"it was signed {age:.0f} s ago, and {tolerance:.0f} s are allowed")
    raw = body.encode() if isinstance(body, str) else bytes(body)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = base64.b64encode(hmac.new(key, f"{number}.{when}.".encode() + raw, hashlib.sha256).digest())
    for signature in signatures.split(" "):
        version, _, text = signature.partition(",")
        if version == "v1" and hmac.compare_digest(text.encode(), wanted):
            return json.loads(raw)
    raise InvalidSignature("no signature was made with this secret")
