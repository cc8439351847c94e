# The program of `kafka-node user`, after kafka.py: makes one user of the cluster
# what it should be.
#
#     CLIENT_PROPERTIES NAME WANTED KNOWN          (a password on standard input)
#
# WANTED and KNOWN are lines as render.UserRules makes them: "scram",
# "acl allow read topic:orders literal *", "quota producer_byte_rate 1048576".
# What is known and no longer wanted goes; what is neither is somebody else's and
# stays.
import sys
import time

SETTLE_SECONDS = 10  # for the broker that was asked to know what was changed
SCRAM_SHA_512 = 2
ITERATIONS = 16384  # the most that Kafka takes; a client pays it once a connection

# As in org.apache.kafka.common.acl and .resource.
OPERATIONS = {
    "all": 2, "read": 3, "write": 4, "create": 5, "delete": 6, "alter": 7, "describe": 8,
    "clusterAction": 9, "describeConfigs": 10, "alterConfigs": 11, "idempotentWrite": 12,
    "createTokens": 13, "describeTokens": 14, "twoPhaseCommit": 15,
}
RESOURCES = {"topic": 2, "group": 3, "cluster": 4, "transactionalId": 5, "delegationToken": 6, "user": 7}
PATTERNS = {"literal": 3, "prefixed": 4}
PERMISSIONS = {"deny": 2, "allow": 3}
ANY = 1
EXACTLY = 0


class Lines:
    """What a user has: a SCRAM credential or none, rules, quotas."""

    def __init__(self, text):
        self.scram, self.rules, self.quotas = False, set(), {}
        for line in text.splitlines():
            kind, *words = line.split(" ")
            try:
                if kind == "scram":
                    self.scram = True
                elif kind == "acl":
                    self.rules.add(rule(*words))
                elif kind == "quota":
                    key, value = words
                    self.quotas[key] = float(value)
                elif kind:
                    raise ValueError
            except (KeyError, TypeError, ValueError):
                raise Failure(f"the line {line!r} says nothing about a user", USER_FAULT) from None


def rule(permission, operation, resource, pattern, host):
    kind, name = resource.split(":", 1)
    return RESOURCES[kind], name, PATTERNS[pattern], host, OPERATIONS[operation], PERMISSIONS[permission]


def as_message(principal, entry):
    kind, name, pattern, host, operation, permission = entry
    return {"type": kind, "resource": name, "pattern": pattern, "principal": principal, "host": host,
            "operation": operation, "permission": permission}


class User:
    def __init__(self, cluster, name):
        self.cluster, self.name, self.principal = cluster, name, "User:" + name
        self.entity = [{"type": "user", "name": name}]

    def rules(self):
        found = self.cluster.ask(DESCRIBE_RULES, type=ANY, resource=None, pattern=ANY, principal=self.principal,
                                 host=None, operation=ANY, permission=ANY)
        return {(resource["type"], resource["resource"], resource["pattern"], entry["host"], entry["operation"], entry["permission"])
                for resource in found["resources"] for entry in resource["entries"]}

    def quotas(self):
        found = self.cluster.ask(
            DESCRIBE_QUOTAS, components=[{"type": "user", "match": EXACTLY, "name": self.name}], strict=True)
        return {value["key"]: value["value"] for entry in found["entries"] for value in entry["values"]}

    def scram(self):
        found = self.cluster.ask(DESCRIBE_SCRAM, users=[{"name": self.name}])
        return any(one["mechanism"] == SCRAM_SHA_512 for result in found["results"] for one in result["credentials"])

    def apply(self, wanted, known, password):
        """What is wanted first, what has to go last: a rule that moves leaves no gap."""
        if wanted.scram:
            self.set_password(password)
        have = self.rules()
        create = wanted.rules - have
        if create:
            self.cluster.ask(CREATE_RULES, creations=[as_message(self.principal, one) for one in sorted(create)])
        self.set_quotas(wanted.quotas, known.quotas)
        delete = (known.rules - wanted.rules) & have
        if delete:
            self.cluster.ask(DELETE_RULES, filters=[as_message(self.principal, one) for one in sorted(delete)])
        if known.scram and not wanted.scram:
            self.cluster.ask(ALTER_SCRAM, deletions=[{"name": self.name, "mechanism": SCRAM_SHA_512}], upsertions=[])
        self.settle(wanted, known)

    def set_password(self, password):
        salt = os.urandom(32)
        salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
        self.cluster.ask(ALTER_SCRAM, deletions=[], upsertions=[
            {"name": self.name, "mechanism": SCRAM_SHA_512, "iterations": ITERATIONS, "salt": salt, "salted": salted}])

    def set_quotas(self, wanted, known):
        changes = [{"key": key, "value": value, "remove": False} for key, value in sorted(wanted.items())]
        changes += [{"key": key, "value": 0, "remove": True} for key in sorted(known) if key not in wanted]
        if changes:
            self.cluster.ask(ALTER_QUOTAS, entries=[{"entity": self.entity, "changes": changes}], validate=False)

    def settle(self, wanted, known):
        """Waits until the broker that was asked knows: it hears of changes from the quorum."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            rules, quotas = self.rules(), self.quotas()
            if (wanted.rules <= rules and not (known.rules - wanted.rules) & rules and wanted.quotas.items() <= quotas.items()
                    and not (known.quotas.keys() - wanted.quotas.keys()) & quotas.keys()
                    and (self.scram() if wanted.scram else not (known.scram and self.scram()))):
                return
            if time.monotonic() > deadline:
                raise Failure(f"the cluster took the changes of user {self.name}, and a broker does not know them after {SETTLE_SECONDS} s")
            time.sleep(0.02)


def main():
    path, name, wanted, known = sys.argv[1:]
    password = sys.stdin.read()
    wanted, known = Lines(wanted), Lines(known)
    if wanted.scram and not password:
        raise Failure(f"user {name} logs in by password, and there is none on standard input", USER_FAULT)
    User(Cluster(properties(path)), name).apply(wanted, known, password)


try:
    main()
except Failure as failure:
    sys.exit(str(failure))
except (OSError, KeyError) as failure:
    sys.exit(f"{type(failure).__name__}: {failure}; next: {LOOK}")
