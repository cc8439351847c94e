"""The file that brings a killed moto back.

moto keeps its cloud in memory. Every changing request is appended to a journal,
in the order of execution and before its answer is sent: a request without a
line was never answered, so its client knows nothing of it. At start the lines
are executed again, each with the random numbers and the time of the first run,
and the identifiers in each answer are compared with those of the first run.
"""

import base64
import datetime
import fcntl
import hashlib
import json
import os
import re
import secrets
import sys

from moto.moto_api._internal import mock_random

FORMAT = 1
IDENTIFIER = re.compile(
    rb"\b[a-z]+(?:-[a-z]+)*-[0-9a-f]{17}\b"  # vpc-…, i-…, rtbassoc-…
    rb"|\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b"
    rb"|/hostedzone/[A-Z0-9]+"
    rb"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"  # keys of KMS
)
# Headers that say nothing about what is asked for.
IDLE_HEADERS = ("HTTP_USER_AGENT", "HTTP_ACCEPT_ENCODING", "HTTP_CONNECTION", "HTTP_EXPECT")


class CloudGone(Exception):
    """The journal does not lead back to the same cloud."""


def identifiers(content):
    """A digest of all identifiers and addresses in an answer."""
    found = sorted(set(IDENTIFIER.findall(content)))
    return hashlib.sha256(b"\n".join(found)).hexdigest()


class Journal:
    """An append-only file of requests, readable by its owner alone: user data
    in it holds host keys."""

    def __init__(self, path, clock):
        self.path = path
        self.clock = clock
        self.count = 0
        self.entries = []
        self.file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SystemExit(f"another process writes to {path}") from error
        self.lab = self._load()

    def _load(self):
        with open(self.path, "rb") as file:
            content = file.read()
        # A line cut short by a kill was never answered.
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) != len(content):
            os.ftruncate(self.file, len(whole))
        lines = whole.splitlines()
        if not lines:
            lab = secrets.token_hex(8)
            self._write({"journal": FORMAT, "lab": lab})
            return lab
        try:
            head = json.loads(lines[0])
            self.entries = [json.loads(line) for line in lines[1:]]
            if head["journal"] != FORMAT:
                raise CloudGone(f"the journal has format {head['journal']}, not {FORMAT}")
            return head["lab"]
        except (ValueError, KeyError, TypeError) as error:
            raise CloudGone(f"the journal is damaged: {error}") from error

    def _write(self, entry):
        """Append a line, or end the process: memory must not be ahead of the
        journal. The next start drops the torn line and what it stood for."""
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        try:
            whole = os.write(self.file, line) == len(line)
        except OSError as error:
            whole = False
            print(f"extension: {error}", file=sys.stderr)
        if not whole:
            print(f"extension: cannot write {self.path}: is the disk full?", file=sys.stderr, flush=True)
            os._exit(1)

    def begin(self):
        """Fix the random numbers of the next request: its place in the journal
        decides them, whatever was read before it."""
        self.count += 1
        mock_random.seed(f"{self.lab}/{self.count}")

    def commit(self, environ, request_body, action, status, answer):
        kept = {
            k: v
            for k, v in environ.items()
            if k == "CONTENT_TYPE" or k.startswith("HTTP_") and k not in IDLE_HEADERS
        }
        if "HTTP_AUTHORIZATION" in kept:  # who and where; not the signature
            kept["HTTP_AUTHORIZATION"] = kept["HTTP_AUTHORIZATION"].split(", Signed")[0]
        self._write(
            {
                "n": self.count,
                "time": self.clock.now().isoformat(),
                "action": action,
                "method": environ["REQUEST_METHOD"],
                "path": environ["PATH_INFO"],
                "query": environ.get("QUERY_STRING", ""),
                "headers": kept,
                "body": base64.b64encode(request_body).decode(),
                "status": status,
                "ids": identifiers(answer),
            }
        )

    def replay(self, execute):
        """Execute all entries. execute(environ, body) gives (status, answer)."""
        try:
            for entry in self.entries:
                self._replay_one(execute, entry)
        finally:
            self.clock.frozen = None
        self.entries = []

    def _replay_one(self, execute, entry):
        self.clock.frozen = datetime.datetime.fromisoformat(entry["time"])
        self.begin()
        where = f"request {entry['n']} ({entry['action']})"
        if self.count != entry["n"]:
            raise CloudGone(f"{where} stands at place {self.count} of the journal")
        environ = dict(entry["headers"])
        environ.update(
            REQUEST_METHOD=entry["method"],
            PATH_INFO=entry["path"],
            QUERY_STRING=entry["query"],
            SCRIPT_NAME="",
            SERVER_NAME="127.0.0.1",
            SERVER_PORT="80",
            SERVER_PROTOCOL="HTTP/1.1",
        )
        uri = entry["path"] + ("?" + entry["query"] if entry["query"] else "")
        environ.update({"REQUEST_URI": uri, "RAW_URI": uri, "wsgi.url_scheme": "http"})
        status, answer = execute(environ, base64.b64decode(entry["body"]))
        if status != entry["status"] or identifiers(answer) != entry["ids"]:
            raise CloudGone(f"{where} gave another answer than the first time")
