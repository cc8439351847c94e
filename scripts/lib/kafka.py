"""Kafka's protocol, as much of it as is needed here: see clients/src/main/resources/
common/message in Kafka's sources. Kafka's own tools start a JVM of a second for
each question; this asks in a tenth of one. user.py or cluster.py follows it in the
same program. A failure is one line: what failed; next: what to do.
"""
import base64
import hashlib
import hmac
import os
import re
import socket
import ssl
import struct

CONNECT_SECONDS = 5  # for one broker to answer; another is tried after that
REPLY_SECONDS = 30  # for a request: the broker passes it on to the quorum's leader
USER_FAULT = "this is a fault of the program that called: report it"
LOOK = "look at the brokers with kafka-node status, then run this again"

RESOURCE_NOT_FOUND = 91


class Failure(Exception):
    """What failed, and what to do next."""

    def __init__(self, what, then=LOOK):
        super().__init__(f"{what}; next: {then}")


class Silent(Failure):
    """Nobody answers now."""


# --- Kafka's wire format: compact types, each structure with a (here empty)
# section of tagged fields at its end (KIP-482).


class Number:
    def __init__(self, form):
        self.form = struct.Struct(form)

    def write(self, value):
        return self.form.pack(value)

    def read(self, data):
        return self.form.unpack(data.read(self.form.size))[0]


class Length:
    """An unsigned number of 7-bit groups, one more than the length; 0 is null."""

    @staticmethod
    def write(value):
        out = bytearray()
        while value >= 0x80:
            out.append(value & 0x7F | 0x80)
            value >>= 7
        out.append(value)
        return bytes(out)

    @staticmethod
    def read(data):
        value = shift = 0
        while True:
            byte = data.read(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7


class Octets:
    @staticmethod
    def write(value):
        return Length.write(0) if value is None else Length.write(len(value) + 1) + value

    @staticmethod
    def read(data):
        length = Length.read(data)
        return None if length == 0 else data.read(length - 1)


class Text:
    @staticmethod
    def write(value):
        return Octets.write(None if value is None else value.encode())

    @staticmethod
    def read(data):
        value = Octets.read(data)
        return None if value is None else value.decode()


class List:
    def __init__(self, **fields):
        self.item = Record(**fields)

    def write(self, value):
        return Length.write(len(value) + 1) + b"".join(map(self.item.write, value))

    def read(self, data):
        return [self.item.read(data) for _ in range(max(0, Length.read(data) - 1))]


class Words:
    """A list of plain texts; null is all there are."""

    @staticmethod
    def write(value):
        if value is None:
            return Length.write(0)
        return Length.write(len(value) + 1) + b"".join(map(Text.write, value))


class Numbers:
    """A list of plain numbers: without the tagged fields that a structure has."""

    @staticmethod
    def write(value):
        return Length.write(0) if value is None else Length.write(len(value) + 1) + b"".join(map(INT32.write, value))

    @staticmethod
    def read(data):
        return [INT32.read(data) for _ in range(max(0, Length.read(data) - 1))]


class Record:
    def __init__(self, **fields):
        self.fields = fields

    def write(self, value):
        return b"".join(kind.write(value[name]) for name, kind in self.fields.items()) + b"\0"

    def read(self, data):
        value = {name: kind.read(data) for name, kind in self.fields.items()}
        for _ in range(Length.read(data)):
            Length.read(data)
            data.read(Length.read(data))
        return value


class Data:
    def __init__(self, content):
        self.content, self.at = content, 0

    def read(self, size):
        if self.at + size > len(self.content):
            raise Failure("a broker's answer ends too early")
        self.at += size
        return self.content[self.at - size:self.at]


INT8, INT16, INT32, INT64 = Number(">b"), Number(">h"), Number(">i"), Number(">q")
BOOLEAN, FLOAT64 = Number(">?"), Number(">d")
UUID, PORT = Number("16s"), Number(">H")
THROTTLE = {"throttle": INT32}
ERROR = {"error": INT16, "message": Text}
RESOURCE = {"type": INT8, "resource": Text, "pattern": INT8}
ENTRY = {"principal": Text, "host": Text, "operation": INT8, "permission": INT8}
BROKER = {"id": INT32, "host": Text, "port": INT32, "rack": Text}
ENTITY = {"entity": List(type=Text, name=Text)}

# Each message: key, version, request, response.
AUTHENTICATE = 36, 2, Record(bytes=Octets), Record(**ERROR, bytes=Octets, lifetime=INT64)
DESCRIBE_RULES = 29, 3, Record(**RESOURCE, **ENTRY), Record(
    **THROTTLE, **ERROR, resources=List(**RESOURCE, entries=List(**ENTRY)))
CREATE_RULES = 30, 3, Record(creations=List(**RESOURCE, **ENTRY)), Record(**THROTTLE, results=List(**ERROR))
DELETE_RULES = 31, 3, Record(filters=List(**RESOURCE, **ENTRY)), Record(
    **THROTTLE, results=List(**ERROR, deleted=List(**ERROR, **RESOURCE, **ENTRY)))
DESCRIBE_QUOTAS = 48, 1, Record(components=List(type=Text, match=INT8, name=Text), strict=BOOLEAN), Record(
    **THROTTLE, **ERROR, entries=List(**ENTITY, values=List(key=Text, value=FLOAT64)))
ALTER_QUOTAS = 49, 1, Record(
    entries=List(**ENTITY, changes=List(key=Text, value=FLOAT64, remove=BOOLEAN)), validate=BOOLEAN,
), Record(**THROTTLE, results=List(**ERROR, **ENTITY))
DESCRIBE_SCRAM = 50, 0, Record(users=List(name=Text)), Record(
    **THROTTLE, **ERROR, results=List(name=Text, **ERROR, credentials=List(mechanism=INT8, iterations=INT32)))
ALTER_SCRAM = 51, 0, Record(
    deletions=List(name=Text, mechanism=INT8),
    upsertions=List(name=Text, mechanism=INT8, iterations=INT32, salt=Octets, salted=Octets),
), Record(**THROTTLE, results=List(name=Text, **ERROR))
DESCRIBE_CONFIGS = 32, 4, Record(resources=List(type=INT8, name=Text, keys=Words), synonyms=BOOLEAN, documentation=BOOLEAN), Record(
    **THROTTLE, results=List(**ERROR, type=INT8, name=Text, configs=List(
        name=Text, value=Text, read_only=BOOLEAN, source=INT8, sensitive=BOOLEAN,
        synonyms=List(name=Text, value=Text, source=INT8), type=INT8, documentation=Text)))
ALTER_CONFIGS = 44, 1, Record(
    resources=List(type=INT8, name=Text, changes=List(name=Text, operation=INT8, value=Text)), validate=BOOLEAN,
), Record(**THROTTLE, results=List(**ERROR, type=INT8, name=Text))
DESCRIBE_CLUSTER = 60, 2, Record(operations=BOOLEAN, endpoints=INT8, fenced=BOOLEAN), Record(
    **THROTTLE, **ERROR, endpoints=INT8, cluster=Text, controller=INT32,
    brokers=List(**BROKER, fenced=BOOLEAN), operations=INT32)
REPLICA = {"id": INT32, "directory": UUID, "end": INT64, "fetched": INT64, "caught_up": INT64}
METADATA = 3, 12, Record(topics=Words, create=BOOLEAN, operations=BOOLEAN), Record(
    **THROTTLE, brokers=List(**BROKER), cluster=Text, controller=INT32, topics=List(
        error=INT16, name=Text, id=UUID, internal=BOOLEAN, partitions=List(
            error=INT16, index=INT32, leader=INT32, epoch=INT32, replicas=Numbers, in_sync=Numbers, offline=Numbers),
        operations=INT32))
DESCRIBE_QUORUM = 55, 2, Record(topics=List(name=Text, partitions=List(index=INT32))), Record(
    **ERROR, topics=List(name=Text, partitions=List(
        index=INT32, **ERROR, leader=INT32, epoch=INT32, high_watermark=INT64,
        voters=List(**REPLICA), observers=List(**REPLICA))),
    nodes=List(id=INT32, listeners=List(name=Text, host=Text, port=PORT)))

TOPIC, BROKER_CONFIG = 2, 4  # as in org.apache.kafka.common.config.ConfigResource
BROKERS = 1  # DESCRIBE_CLUSTER of the brokers, not of the controllers


def properties(path):
    """The lines KEY=VALUE of a Java properties file."""
    with open(path, encoding="utf-8") as file:
        pairs = [line.strip().partition("=") for line in file if "=" in line and not line.lstrip().startswith("#")]
    return {key.strip(): re.sub(r"\\(.)", r"\1", value.strip()) for key, _, value in pairs}


# --- A connection to one broker, as the administrator of client.properties.


class Cluster:
    def __init__(self, settings):
        self.settings, self.count = settings, 0
        protocol = settings.get("security.protocol", "PLAINTEXT")
        if protocol not in ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"):
            raise Failure(f"client.properties has security.protocol={protocol}, which this toolkit does not speak", USER_FAULT)
        problems = []
        for server in settings.get("bootstrap.servers", "").split(","):
            host, _, port = server.strip().rpartition(":")
            try:
                self.socket = self.connect(host, int(port), protocol)
                if protocol.startswith("SASL"):
                    self.log_in()
                self.socket.settimeout(REPLY_SECONDS)
                return
            except (OSError, ValueError, Failure) as error:
                problems.append(f"{server}: {error}".split("; next: ")[0])
        raise Silent("no broker takes the administrator's connection: " + ", ".join(problems))

    def connect(self, host, port, protocol):
        connection = socket.create_connection((host, port), CONNECT_SECONDS)
        if not protocol.endswith("SSL"):
            return connection
        context = ssl.create_default_context(cafile=self.settings["ssl.truststore.location"])
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if "ssl.keystore.location" in self.settings:
            context.load_cert_chain(self.settings["ssl.keystore.location"])
        return context.wrap_socket(connection, server_hostname=host)

    def exchange(self, header, body):
        self.count += 1
        message = header + INT32.write(self.count) + INT16.write(10) + b"kraftstack" + body
        self.socket.sendall(INT32.write(len(message)) + message)
        answer = Data(self.receive(INT32.read(Data(self.receive(4)))))
        if INT32.read(answer) != self.count:
            raise Failure("a broker answered another request than the one it was sent")
        return answer

    def receive(self, size):
        content = b""
        while len(content) < size:
            part = self.socket.recv(size - len(content))
            if not part:
                raise Silent("the broker closed the connection: it refuses the request, or its Kafka is older than 4.1")
            content += part
        return content

    def ask(self, message, **request):
        key, version, form, answer = message
        data = self.exchange(INT16.write(key) + INT16.write(version), b"\0" + form.write(request))
        Record().read(data)
        reply = answer.read(data)
        for part in [reply] + reply.get("results", []):
            if part.get("error", 0) not in (0, RESOURCE_NOT_FOUND):
                raise Failure(f"the cluster refused it: {part.get('message') or 'error ' + str(part['error'])}")
        return reply

    def log_in(self):
        """SCRAM-SHA-512 (RFC 5802), the server's proof included."""
        jaas = self.settings.get("sasl.jaas.config", "")
        given = {key: re.sub(r"\\(.)", r"\1", value) for key, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', jaas)}
        mechanism = self.settings.get("sasl.mechanism")
        if mechanism != "SCRAM-SHA-512" or not {"username", "password"} <= given.keys():
            raise Failure("client.properties has no SCRAM-SHA-512 login", USER_FAULT)
        handshake = self.exchange(INT16.write(17) + INT16.write(1), INT16.write(len(mechanism)) + mechanism.encode())
        if INT16.read(handshake) != 0:
            raise Failure("the broker does not offer SCRAM-SHA-512")
        nonce = base64.b64encode(os.urandom(24)).decode()
        first = f"n={given['username'].replace('=', '=3D').replace(',', '=2C')},r={nonce}"
        challenge = self.ask(AUTHENTICATE, bytes=b"n,," + first.encode())["bytes"].decode()
        part = dict(item.split("=", 1) for item in challenge.split(","))
        if not part["r"].startswith(nonce):
            raise Failure("the broker's answer does not belong to this login")
        salted = hashlib.pbkdf2_hmac("sha512", given["password"].encode(), base64.b64decode(part["s"]), int(part["i"]))
        final = f"c=biws,r={part['r']}"
        signed = f"{first},{challenge},{final}".encode()
        key = hmac.digest(salted, b"Client Key", "sha512")
        signature = hmac.digest(hashlib.sha512(key).digest(), signed, "sha512")
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
        verdict = self.ask(AUTHENTICATE, bytes=f"{final},p={proof}".encode())["bytes"].decode()
        expected = hmac.digest(hmac.digest(salted, b"Server Key", "sha512"), signed, "sha512")
        if verdict.split(",")[0] != "v=" + base64.b64encode(expected).decode():
            raise Failure("the broker does not know the administrator's password itself: it may not be a broker")
