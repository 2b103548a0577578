"""S3 as it is on the wire, as far as media need it: PUT, GET and HEAD of whole objects, and DeleteObjects. Each
signature is checked.

async with FakeS3() as s3:
    s3.next(answer(503, "SlowDown"), HANG)
    ...
    assert s3.objects["media/ab/abcd…"] == b"…"

The signature is AWS Signature Version 4 with signed payloads, as Amazon's documentation "Signature Calculations for the
Authorization Header" tells it; written from that page and not from any client.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import deque
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from xml.sax.saxutils import escape, unescape

from aiohttp import web

from tests.fakes.served import Served

KEY, SECRET, REGION, BUCKET = "AKIDEXAMPLE", "wJalrXUtnFEMI-never-in-a-log", "sa-east-1", "vozes"
Fault = Callable[["FakeS3", web.Request], Awaitable[web.StreamResponse]]


def error(status: int, code: str) -> web.Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>no</Message></Error>'
    return web.Response(status=status, text=body, content_type="application/xml")


def answer(status: int, code: str) -> Fault:
    async def fault(server: FakeS3, request: web.Request) -> web.StreamResponse:
        return error(status, code)

    return fault


async def HANG(server: FakeS3, request: web.Request) -> web.StreamResponse:
    await server.closing.wait()
    return web.Response(status=500)


async def CUT(server: FakeS3, request: web.Request) -> web.StreamResponse:
    """The first half of the object, and then nothing more."""
    data = server.objects[server.key(request)]
    response = web.StreamResponse(headers={"Content-Length": str(len(data)), **META})
    await response.prepare(request)
    await response.write(data[: len(data) // 2])
    assert request.transport is not None
    request.transport.close()
    return response


META = {"ETag": '"e"', "Last-Modified": "Sat, 21 Nov 2026 12:00:00 GMT"}


class FakeS3(Served):
    """One bucket. `next` scripts the answers of the next requests, whatever they ask."""

    sees_who_hangs_up = True

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}
        self._put_at: dict[str, str] = {}
        self.calls: list[tuple[str, str]] = []
        """(method, key) of each request."""
        self.broken: Fault | None = None
        """What goes wrong however often it is asked."""
        self._faults: deque[Fault] = deque()

    def next(self, *faults: Fault) -> None:
        self._faults.extend(faults)

    def key(self, request: web.Request) -> str:
        return request.path.removeprefix(f"/{BUCKET}/")

    def gets(self) -> list[str]:
        return [key for method, key in self.calls if method == "GET"]

    def application(self) -> web.Application:
        app = web.Application(client_max_size=2**27)
        app.router.add_route("*", "/{bucket}/{key:.+}", self._handle)
        app.router.add_post("/{bucket}", self._handle)
        return app

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.calls.append((request.method, self.key(request)))
        if fault := self._faults.popleft() if self._faults else self.broken:
            return await fault(self, request)
        if code := wrong_with(request, body):
            return error(403, code)
        if request.match_info["bucket"] != BUCKET:
            return error(404, "NoSuchBucket")
        return self._delete(body) if request.method == "POST" else self._object(request, body)

    def _delete(self, body: bytes) -> web.Response:
        """DeleteObjects: what is not there is deleted all the same."""
        keys = [unescape(key) for key in re.findall(r"<Key>([^<]*)</Key>", body.decode())]
        for key in keys:
            self.objects.pop(key, None)
        told = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        return web.Response(text=f"<DeleteResult>{told}</DeleteResult>", content_type="application/xml")

    def _object(self, request: web.Request, body: bytes) -> web.Response:
        key = self.key(request)
        if request.method == "PUT":
            self.objects[key] = body
            self._put_at[key] = formatdate(usegmt=True)
            return web.Response(headers=META)
        if request.method not in ("GET", "HEAD"):
            return error(405, "MethodNotAllowed")
        if key not in self.objects:
            return error(404, "NoSuchKey")
        when = self._put_at.get(key, META["Last-Modified"])
        return web.Response(body=self.objects[key], headers={**META, "Last-Modified": when})


# -- signatures ----------------------------------------------------------------------------------


def wrong_with(request: web.Request, body: bytes) -> str:
    """The code S3 answers with, or an empty string."""
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    if scheme != "AWS4-HMAC-SHA256":
        return "AccessDenied"
    said = dict(part.strip().split("=", 1) for part in rest.split(","))
    key, day, region, *service = said["Credential"].split("/")
    if key != KEY:
        return "InvalidAccessKeyId"
    if region != REGION or service != ["s3", "aws4_request"]:
        return "AuthorizationHeaderMalformed"
    if request.headers["x-amz-content-sha256"] != hashlib.sha256(body).hexdigest():
        return "XAmzContentSHA256Mismatch"
    right = signature(request, said["SignedHeaders"], day)
    return "" if hmac.compare_digest(right, said["Signature"]) else "SignatureDoesNotMatch"


def signature(request: web.Request, signed: str, day: str) -> str:
    assert {"host", "x-amz-content-sha256", "x-amz-date"} <= set(signed.split(";")), "what must be signed"
    headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in signed.split(";"))
    path, _, query = request.raw_path.partition("?")
    query = "&".join(part if "=" in part else f"{part}=" for part in query.split("&") if part)
    canonical = "\n".join((request.method, path, query, headers, signed, request.headers["x-amz-content-sha256"]))
    scope = f"{day}/{REGION}/s3/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(("AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, hashed))
    key = f"AWS4{SECRET}".encode()
    for part in (day, REGION, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()
