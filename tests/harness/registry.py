#!/usr/bin/env python3
"""A small schema registry on loopback, after the public description of Confluent's REST API.

  registry.py [--port N] [--user NAME:PASSWORD] [--token T] [--tls CERT KEY] [--client-ca CA]

Prints its address, then serves until its standard input ends. Schemas are kept in memory; Avro's
compatibility rules are checked for records (fields, defaults, aliases, promotions, unions, enums).
Beside the API, for tests:

  POST /-/fault   {"status": 503, "count": 3}   the next 3 requests get that answer
                  {"status": 0, "count": 1}     .. the connection is closed without one
  POST /-/answer  {"path": "/x", "status": 404, "body": {..}}   what a path answers from now on
  GET  /-/requests   how many requests of the API there were
  GET  /-/gap/N      ms between the request before the last N and the one behind it
"""
import argparse
import base64
import json
import ssl
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PROMOTIONS = {"int": ("long", "float", "double"), "long": ("float", "double"),
              "float": ("double",), "string": ("bytes",), "bytes": ("string",)}
PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")


class Refusal(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


def kind(schema):
    if isinstance(schema, list):
        return "union"
    if isinstance(schema, dict):
        inner = schema.get("type")
        return kind(inner) if isinstance(inner, (dict, list)) else inner
    return schema


def check_schema(schema, named):
    """Refuses what is no Avro schema."""
    what = kind(schema)
    if what == "union":
        for branch in schema if isinstance(schema, list) else schema["type"]:
            check_schema(branch, named)
    elif what == "record":
        named.add(schema.get("name"))
        if not isinstance(schema.get("fields"), list):
            raise Refusal(422, 42201, "Invalid schema: a record without fields")
        for field in schema["fields"]:
            check_schema(field["type"], named)
    elif what in ("enum", "fixed"):
        named.add(schema.get("name"))
    elif what in ("array", "map"):
        check_schema(schema["items" if what == "array" else "values"], named)
    elif what not in PRIMITIVES and what not in named:
        raise Refusal(422, 42201, "Invalid schema: no type %r" % (what,))


def why_unreadable(reader, writer, path=""):
    """None, or why data of the writer's schema cannot be read with the reader's."""
    r, w = kind(reader), kind(writer)
    if w == "union":
        for branch in writer:
            why = why_unreadable(reader, branch, path)
            if why:
                return why
        return None
    if r == "union":
        whys = [why_unreadable(branch, writer, path) for branch in reader]
        return None if None in whys else "MISSING_UNION_BRANCH at %s: %s" % (path or "/", w)
    if r != w:
        if r in PROMOTIONS.get(w, ()):
            return None
        return "TYPE_MISMATCH at %s: reader type %s not compatible with writer type %s" % (
            path or "/", r, w)
    if r == "record":
        old = {field["name"]: field for field in writer["fields"]}
        for field in reader["fields"]:
            names = [field["name"]] + field.get("aliases", [])
            found = next((old[name] for name in names if name in old), None)
            at = path + "/" + field["name"]
            if found is None and "default" not in field:
                return "READER_FIELD_MISSING_DEFAULT_VALUE at %s" % at
            why = found and why_unreadable(field["type"], found["type"], at)
            if why:
                return why
    if r in ("array", "map"):
        part = "items" if r == "array" else "values"
        return why_unreadable(reader[part], writer[part], path)
    if r == "enum" and not set(writer["symbols"]) <= set(reader["symbols"]) and \
            "default" not in reader:
        return "MISSING_ENUM_SYMBOLS at %s" % path
    if r == "fixed" and reader["size"] != writer["size"]:
        return "FIXED_SIZE_MISMATCH at %s" % path
    return None


class Registry:
    def __init__(self):
        self.lock = threading.Lock()
        self.schemas = {}   # id -> {schema, references}
        self.subjects = {}  # name -> [id]
        self.levels = {}
        self.level = "BACKWARD"
        self.faults = []
        self.times = []  # of requests, ms
        self.answers = {}
        self.requests = 0

    def check(self, subject, text):
        level = self.levels.get(subject, self.level)
        versions = self.subjects.get(subject, [])
        if level == "NONE" or not versions:
            return
        new = json.loads(text)
        against = versions if level.endswith("_TRANSITIVE") else versions[-1:]
        for number in against:
            old = json.loads(self.schemas[number]["schema"])
            why = None
            if level.startswith(("BACKWARD", "FULL")):
                why = why_unreadable(new, old)
            if why is None and level.startswith(("FORWARD", "FULL")):
                why = why_unreadable(old, new)
            if why:
                raise Refusal(409, 409, "Schema being registered is incompatible with an earlier "
                              "schema for subject \"%s\", details: [%s]" % (subject, why))

    def register(self, subject, body):
        text = body.get("schema")
        if not isinstance(text, str):
            raise Refusal(422, 42201, "Invalid schema: empty")
        kept = {"schema": text, "references": body.get("references", [])}
        if body.get("schemaType", "AVRO") != "AVRO":
            kept["schemaType"] = body["schemaType"]
        else:
            named = {reference["name"] for reference in kept["references"]}
            try:
                check_schema(json.loads(text), named | {name.split(".")[-1] for name in named})
            except (ValueError, KeyError, TypeError) as error:
                raise Refusal(422, 42201, "Invalid schema: %s" % error)
        number = next((n for n, known in self.schemas.items() if known == kept), None)
        if number is None or number not in self.subjects.get(subject, []):
            if "schemaType" not in kept:
                self.check(subject, text)
            if number is None:
                number = len(self.schemas) + 1
                self.schemas[number] = kept
            self.subjects.setdefault(subject, []).append(number)
        return {"id": number}

    def lookup(self, subject, body):
        if subject not in self.subjects:
            raise Refusal(404, 40401, "Subject '%s' not found." % subject)
        for version, number in enumerate(self.subjects[subject]):
            if self.schemas[number]["schema"] == body.get("schema"):
                return dict(self.schemas[number], subject=subject, id=number, version=version + 1)
        raise Refusal(404, 40403, "Schema not found")

    def version(self, subject, version):
        if subject not in self.subjects:
            raise Refusal(404, 40401, "Subject '%s' not found." % subject)
        versions = self.subjects[subject]
        place = len(versions) if version == "latest" else int(version)
        if not 1 <= place <= len(versions):
            raise Refusal(404, 40402, "Version %s not found." % version)
        number = versions[place - 1]
        return dict(self.schemas[number], subject=subject, id=number, version=place)

    def answer(self, method, path, body):
        parts = [urllib.parse.unquote(part) for part in path.strip("/").split("/")]
        if method == "GET" and parts[:2] == ["schemas", "ids"]:
            number = int(parts[2])
            if number > 0x7fffffff:  # no Java int: the path is none that the server knows
                raise Refusal(404, 404, "HTTP 404 Not Found")
            if number not in self.schemas:
                raise Refusal(404, 40403, "Schema %d not found" % number)
            return self.schemas[number]
        if parts[0] == "config":
            subject = parts[1] if len(parts) > 1 else None
            if method == "PUT":
                if subject is None:
                    self.level = body["compatibility"]
                else:
                    self.levels[subject] = body["compatibility"]
                return {"compatibility": body["compatibility"]}
            return {"compatibilityLevel": self.levels.get(subject, self.level)}
        if parts[0] == "subjects" and len(parts) == 3 and method == "POST":
            return self.register(parts[1], body)
        if parts[0] == "subjects" and len(parts) == 2 and method == "POST":
            return self.lookup(parts[1], body)
        if parts[0] == "subjects" and len(parts) == 4 and method == "GET":
            return self.version(parts[1], parts[3])
        raise Refusal(404, 404, "HTTP 404 Not Found")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def send(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def test_call(self, registry, path, body):
        if path == "/-/fault":
            registry.faults += [body["status"]] * body["count"]
        elif path == "/-/answer":
            registry.answers[body["path"]] = (body["status"], body["body"])
        elif path.startswith("/-/gap/"):
            last = int(path[len("/-/gap/"):])
            return self.send(200, registry.times[-last] - registry.times[-last - 1])
        self.send(200, registry.requests)

    def serve(self, method):
        registry = self.server.registry
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
        path = self.path.split("?")[0]
        with registry.lock:
            if path.startswith("/-/"):
                return self.test_call(registry, path, body)
            registry.requests += 1
            registry.times.append(time.monotonic_ns() // 1000000)
            if registry.faults:
                status = registry.faults.pop(0)
                if status == 0:
                    self.close_connection = True
                    return None
                return self.send(status, {"error_code": status * 100 + 1, "message": "a fault"})
            wanted = self.server.authorization
            if wanted and self.headers.get("Authorization") != wanted:
                return self.send(401, {"error_code": 401, "message": "Unauthorized"})
            if path in registry.answers:
                return self.send(*registry.answers[path])
            try:
                return self.send(200, registry.answer(method, path, body))
            except Refusal as refusal:
                return self.send(refusal.status,
                                 {"error_code": refusal.code, "message": str(refusal)})

    def do_GET(self):
        self.serve("GET")

    def do_POST(self):
        self.serve("POST")

    def do_PUT(self):
        self.serve("PUT")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user")
    parser.add_argument("--token")
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--client-ca")
    options = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.daemon_threads = True
    server.registry = Registry()
    server.authorization = options.token and "Bearer " + options.token
    if options.user:
        server.authorization = "Basic " + base64.b64encode(options.user.encode()).decode()
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
        if options.client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(options.client_ca)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("%s://127.0.0.1:%d" % ("https" if options.tls else "http", server.server_address[1]),
          flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
