#!/usr/bin/env python3
"""A small S3 on loopback that believes no signature it has not computed itself.

  s3.py [--page N] [--token TEXT] [--no-conditions]

Knows one bucket, `bench`, in path style; PUT, GET, DELETE of objects, ListObjectsV2. Access key
`AKIDTEST`, secret `secret/with+signs=`, region `eu-test-1`. --page: objects a page (7). --token: a
session token that must come along. Prints its address, serves until its standard input ends. Beside:

  POST /-/fault   {"status": 503, "count": 3, "code": "SlowDown"}   the next 3 requests get that
                  {"status": 0, "count": 1}      .. no answer, nothing done
                  {"status": 1, "count": 1}      .. no answer, but done
                  {"status": 2, "count": 1}      .. half of a body, then an end
  GET  /-/requests   how many requests of the bucket there were
"""
import argparse
import datetime
import hashlib
import hmac
import json
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ACCESS, SECRET, REGION, BUCKET = "AKIDTEST", "secret/with+signs=", "eu-test-1", "bench"


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Refusal(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def check(self, body):
        """The signature, after the description of Signature Version 4."""
        words = self.headers.get("Authorization", "")
        if not words.startswith("AWS4-HMAC-SHA256 "):
            raise Refusal(403, "AccessDenied", "no signature")
        parts = dict(p.strip().split("=", 1) for p in words[len("AWS4-HMAC-SHA256 "):].split(","))
        names = parts["SignedHeaders"].split(";")
        stamp = self.headers["x-amz-date"]
        scope = f"{stamp[:8]}/{REGION}/s3/aws4_request"
        if parts["Credential"] != f"{ACCESS}/{scope}":
            raise Refusal(403, "InvalidAccessKeyId", "who is " + parts["Credential"])
        for name in self.headers:
            if (name.lower().startswith("x-amz-") or name.lower() in ("host", "if-none-match")) and \
                    name.lower() not in names:
                raise Refusal(403, "AccessDenied", f"{name} is not signed")
        if self.server.token and self.headers.get("x-amz-security-token") != self.server.token:
            raise Refusal(403, "InvalidToken", "another session token")
        path, _, query = self.path.partition("?")
        pairs = sorted((urllib.parse.quote(k, safe="-_.~"), urllib.parse.quote(v, safe="-_.~"))
                       for k, v in urllib.parse.parse_qsl(query, keep_blank_values=True))
        path = urllib.parse.quote(urllib.parse.unquote(path), safe="/-_.~")
        payload = self.headers["x-amz-content-sha256"]
        canonical = "\n".join([
            self.command, path, "&".join("=".join(p) for p in pairs),
            *(f"{n}:{' '.join(self.headers[n].split())}" for n in names), "",
            ";".join(names), payload])
        to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope,
                             hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + SECRET).encode()
        for part in (stamp[:8], REGION, "s3", "aws4_request"):
            key = mac(key, part)
        if mac(key, to_sign).hex() != parts["Signature"]:
            raise Refusal(403, "SignatureDoesNotMatch", "computed for <" + canonical + ">")
        if hashlib.sha256(body).hexdigest() != payload:
            raise Refusal(400, "XAmzContentSHA256Mismatch", "the body is another")

    def answer(self, status, body=b"", half=False):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:len(body) // 2] if half else body)
        if half:
            self.close_connection = True

    def list(self, query):
        prefix, after = query.get("prefix", ""), query.get("continuation-token", "")
        names = [n for n in sorted(self.server.objects) if n.startswith(prefix) and n > after]
        page, rest = names[:self.server.page], names[self.server.page:]
        items = "".join(
            "<Contents><Key>%s</Key><LastModified>%s</LastModified><ETag>&quot;x&quot;</ETag><Size>%d</Size></Contents>"
            % (urllib.parse.quote(n, safe="/"), self.server.objects[n][1], len(self.server.objects[n][0]))
            for n in page)
        more = f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if rest else ""
        return (f'<?xml version="1.0"?><ListBucketResult><Name>{BUCKET}</Name>{more}{items}'
                "</ListBucketResult>").encode()

    def serve(self, body):
        """One request of the bucket: (status, body)."""
        path, _, query = self.path.partition("?")
        bucket, _, name = urllib.parse.unquote(path)[1:].partition("/")
        if bucket != BUCKET:
            raise Refusal(404, "NoSuchBucket", "The specified bucket does not exist")
        objects = self.server.objects
        with self.server.lock:
            if self.command == "GET" and not name:
                return 200, self.list(dict(urllib.parse.parse_qsl(query, keep_blank_values=True)))
            if self.command == "PUT":
                if self.headers.get("If-None-Match") == "*" and name in objects and self.server.conditions:
                    raise Refusal(412, "PreconditionFailed", "At least one of the pre-conditions did not hold")
                now = datetime.datetime.now(datetime.timezone.utc)
                objects[name] = (body, now.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (now.microsecond // 1000))
                return 200, b""
            if self.command == "DELETE":
                objects.pop(name, None)
                return 204, b""
            if name not in objects:
                raise Refusal(404, "NoSuchKey", "The specified key does not exist.")
            return 200, objects[name][0]

    def control(self, body):
        server = self.server
        if self.path == "/-/requests":
            return self.answer(200, str(server.requests).encode())
        server.fault = json.loads(body)
        return self.answer(200, b"{}")

    def handle_request(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/-/"):
            return self.control(body)
        server, fault = self.server, {}
        with server.lock:
            server.requests += 1
            if server.fault.get("count", 0) > 0:
                server.fault["count"] -= 1
                fault = server.fault
        kind = fault.get("status", 200)
        try:
            if kind >= 400:
                raise Refusal(kind, fault.get("code", "InternalError"), "as asked")
            if kind == 0:
                self.close_connection = True
                return None
            self.check(body)
            status, answer = self.serve(body)
            if kind == 1:
                self.close_connection = True
                return None
            return self.answer(status, answer, half=kind == 2)
        except Refusal as refusal:
            text = str(refusal).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            return self.answer(refusal.status, (f"<Error><Code>{refusal.code}</Code>"
                                                f"<Message>{text}</Message></Error>").encode())

    do_GET = do_PUT = do_DELETE = do_POST = handle_request


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that goes away in the middle is what tests ask for."""


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--page", type=int, default=7)
    words.add_argument("--token")
    words.add_argument("--no-conditions", action="store_true")
    given = words.parse_args()
    server = Server(("127.0.0.1", 0), Handler)
    server.objects, server.fault, server.requests, server.lock = {}, {}, 0, threading.Lock()
    server.page, server.token, server.conditions = given.page, given.token, not given.no_conditions
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


main()
