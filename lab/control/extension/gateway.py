"""The WSGI application in front of moto: order, journal, changes, errors."""

import io
import json
import os
import re
import sys
import threading
import urllib.parse

from . import balancers, errors, sessions
from .regions import regions_in_use

READS = re.compile(r"(Describe|Get|List|Head|Search|Lookup|BatchGet)")
ANSWERS_KEPT = 2000  # of changes; a retry comes within seconds
# Sessions end with their connections, and none outlives the emulator.
PASSING = {"StartSession"}
LONGEST_POLL = 60.0  # seconds; a client that wants more asks again


def credential_scope(environ):
    """Return (region, service) that a request is signed for."""
    match = re.search(r"Credential=[^/]*/\d+/([^/]+)/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    return match.groups() if match else ("", "")


def action_of(environ, body):
    """Name the AWS action; "METHOD path" where the protocol has none."""
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return target.rsplit(".", 1)[-1]
    form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    for text in (environ.get("QUERY_STRING", ""), body.decode("utf-8", "replace") if form else ""):
        names = urllib.parse.parse_qs(text).get("Action")
        if names:
            return names[0]
    return environ["REQUEST_METHOD"] + " " + environ["PATH_INFO"]


def marks_of(environ, body):
    """What tells a retry from a new request: the id that every AWS SDK gives a
    call and sends with each of its attempts, and the client token of EC2."""
    tokens = urllib.parse.parse_qs(body.decode("utf-8", "replace")).get("ClientToken", []) if body.startswith(b"Action=") else []
    invocation = environ.get("HTTP_AMZ_SDK_INVOCATION_ID")
    return ([("invocation", invocation)] if invocation else []) + [("token", token) for token in tokens]


def is_change(environ, action):
    if " " in action:
        return environ["REQUEST_METHOD"] not in ("GET", "HEAD", "OPTIONS")
    return not READS.match(action) and action not in PASSING


class Gateway:
    """Serves one AWS request at a time. moto is not made for threads, and the
    journal's order must be the order of execution."""

    def __init__(self, moto, journal):
        self.moto = moto
        self.journal = journal
        self.lock = threading.Lock()
        self.answered = {}  # by what marks a retry: the request's body and its answer; the oldest first
        self.changed = threading.Condition()

    def __call__(self, environ, start_response):
        path = environ.get("PATH_INFO", "")
        if path.startswith("/kraftstack/"):
            return self._own(environ, path, start_response)
        if path.startswith("/moto-api"):
            # Its reset and its seed would part the cloud from its journal.
            return respond(start_response, 403, "text/plain", b"not served by the lab\n")
        body = read_body(environ)
        action = action_of(environ, body)
        with self.lock:
            first = self._first_answer(environ, body)
            if first is not None:
                # A retry of what was done. Its answer was lost between here and
                # the client, which on loopback is no fault worth emulating.
                status, headers, answer = first
            elif is_change(environ, action):
                self.journal.begin()
                status, headers, answer = self._execute(environ, body, action)
                self.journal.commit(environ, body, action, status, answer)
                with self.changed:
                    self.changed.notify_all()
            else:
                status, headers, answer = self._dispatch(environ, body, action)
        start_response(f"{status} {phrase(status)}", headers)
        return [answer]

    def replay(self):
        """Execute the journal, before anything is served."""

        def execute(environ, body):
            environ["wsgi.errors"] = sys.stderr
            status, _, answer = self._execute(environ, body, action_of(environ, body))
            return status, answer

        self.journal.replay(execute)

    def _first_answer(self, environ, body):
        for mark in marks_of(environ, body):
            first = self.answered.get(mark)
            if first is not None and first[0] == body:
                return first[1]
        return None

    def _execute(self, environ, body, action):
        """A change, whose answer is kept for a retry."""
        result = self._dispatch(environ, body, action)
        if result[0] < 400:
            for mark in marks_of(environ, body):
                self.answered[mark] = (body, result)
            while len(self.answered) > ANSWERS_KEPT:
                del self.answered[next(iter(self.answered))]
        return result

    def _dispatch(self, environ, body, action):
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        got = {}

        def start(status, headers, exc_info=None):
            got["status"], got["headers"] = int(status.split()[0]), headers

        try:
            result = self.moto(environ, start)
            answer = b"".join(result)
            if hasattr(result, "close"):
                result.close()
        except Exception as error:  # whatever moto lets through becomes an AWS error
            return self._failure(environ, *errors.for_exception(error, action))
        if got["status"] >= 400 and answer[:9].lower() == b"<!doctype":
            return self._failure(environ, errors.NOT_EMULATED, f"the lab does not emulate {action}")
        return got["status"], got["headers"], answer

    def _failure(self, environ, code, message):
        service = credential_scope(environ)[1]
        kind, content = errors.body(service, environ.get("HTTP_X_AMZ_TARGET"), code, message)
        return 501, [("Content-Type", kind), ("Content-Length", str(len(content)))], content

    def _own(self, environ, path, start_response):
        """What the lab asks of its own emulator, beside the AWS API."""
        if path == "/kraftstack/id":
            own = {"lab": self.journal.lab, "pid": os.getpid(), "version": self.journal.count}
            return answer_json(start_response, own)
        if path == "/kraftstack/regions":
            with self.lock:
                return answer_json(start_response, {"regions": regions_in_use()})
        if path == "/kraftstack/health" and environ["REQUEST_METHOD"] == "POST":
            states = json.loads(read_body(environ))
            with self.lock:
                balancers.report(states)
            return answer_json(start_response, {})
        if path == "/kraftstack/sessions" and environ["REQUEST_METHOD"] == "POST":
            report = json.loads(read_body(environ))
            with self.lock:
                sessions.report(report)
            return answer_json(start_response, {})
        if path == "/kraftstack/changes":
            query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""))
            try:
                after = int(query.get("after", ["0"])[0])
                timeout = min(float(query.get("timeout", ["30"])[0]), LONGEST_POLL)
            except ValueError as error:
                return respond(start_response, 400, "text/plain", f"{error}\n".encode())
            with self.changed:
                # A smaller count than the caller's means another journal: tell at once.
                self.changed.wait_for(lambda: self.journal.count != after, timeout)
                return answer_json(start_response, {"version": self.journal.count})
        return respond(start_response, 404, "text/plain", b"unknown\n")


def read_body(environ):
    if environ.get("wsgi.input_terminated"):
        return environ["wsgi.input"].read()
    return environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))


def phrase(status):
    return "OK" if status < 400 else "Error"


def respond(start_response, status, kind, content):
    headers = [("Content-Type", kind), ("Content-Length", str(len(content)))]
    start_response(f"{status} {phrase(status)}", headers)
    return [content]


def answer_json(start_response, value):
    return respond(start_response, 200, "application/json", json.dumps(value).encode())
