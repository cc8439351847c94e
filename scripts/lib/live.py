# The program of `kafka-node live`, after kafka.py: brings what the stack file says
# about into the running brokers, where Kafka needs no restart for it.
#
#     CLIENT_PROPERTIES apply|check  (lines NAME=VALUE or NAME on standard input)
#
# check changes nothing: it asks whether the brokers would take the values, and says so
# where nobody can be asked.
#
# NAME alone is to have Kafka's own default. The whole cluster gets a value (Kafka's
# entity-default); what a broker has of its own is not the stack's, and an error.
import sys
import time

SETTLE_SECONDS = 15  # for every broker to hear of a change from the quorum
SET, DELETE = 0, 1
# Where a value comes from, as in DescribeConfigsResponse.
OWN, WHOLE_CLUSTER, FILE, DEFAULT = 2, 3, 4, 5
# Kafka takes no new number of these threads above twice the old one or below its half.
STEPPED = {"background.threads", "log.cleaner.threads", "num.io.threads", "num.network.threads",
           "num.recovery.threads.per.data.dir", "num.replica.fetchers"}
# Set for the time of a reassignment, by whoever moves partitions.
PASSING = ".throttled.rate"
# What a broker tells of a setting that it does not know, or that nobody has set.
UNKNOWN = {"value": None, "source": 0, "read_only": False, "synonyms": []}
UNITS = {".minutes": 60_000, ".hours": 3_600_000}


class Broker:
    """A broker's own view of its settings: no other can tell it."""

    def __init__(self, settings, broker):
        self.id = broker["id"]
        self.link = Cluster({**settings, "bootstrap.servers": f"{broker['host']}:{broker['port']}"})

    def look(self, names):
        answer = self.link.ask(DESCRIBE_CONFIGS, synonyms=True, documentation=False, resources=[
            {"type": BROKER_CONFIG, "name": str(self.id), "keys": names}])
        found = {config["name"]: config for config in answer["results"][0]["configs"]}
        self.configs = {name: found.get(name, UNKNOWN) for name in names}

    def value(self, name):
        return self.configs[name]["value"]

    def source(self, name):
        return self.configs[name]["source"]

    def needs_restart(self, name):
        """In a version older than the wanted one, which is about to be started."""
        return self.configs[name]["read_only"]

    def from_file(self, name):
        """What server.properties said when this process began, None for nothing."""
        return next((one["value"] for one in self.configs[name]["synonyms"]
                     if one["source"] == FILE and one["name"] == name), None)

    def default(self, name):
        """Kafka's own, or what a property of a coarser unit says in its place."""
        for one in self.configs[name]["synonyms"]:
            if one["name"] == name and one["source"] == DEFAULT and one["value"] is not None:
                return one["value"]
            for suffix, factor in UNITS.items():
                if one["name"] == name.removesuffix(".ms") + suffix and one["value"] is not None:
                    return str(int(one["value"]) * factor)
        return None


class Live:
    def __init__(self, settings, wanted):
        self.cluster, self.wanted = Cluster(settings), wanted
        found = self.cluster.ask(DESCRIBE_CLUSTER, operations=False, endpoints=BROKERS, fenced=False)["brokers"]
        self.brokers = [Broker(settings, broker) for broker in sorted(found, key=lambda one: one["id"])]

    def look(self):
        names = sorted(self.wanted)
        for broker in self.brokers:
            broker.look(names)
        self.wanted = {name: value for name, value in self.wanted.items()
                       if not any(b.needs_restart(name) for b in self.brokers) and (value is not None or not name.endswith(PASSING))}
        answer = self.cluster.ask(DESCRIBE_CONFIGS, synonyms=False, documentation=False, resources=[
            {"type": BROKER_CONFIG, "name": "", "keys": None}])
        self.set = {config["name"]: config["value"] for config in answer["results"][0]["configs"]
                    if config["source"] == WHOLE_CLUSTER}

    def changes(self):
        """The values to set, None for one to delete."""
        changes = {}
        for name, wanted in self.wanted.items():
            if wanted is not None:
                if self.set.get(name, wanted) != wanted or name not in self.set and any(b.value(name) != wanted for b in self.brokers):
                    changes[name] = wanted
                continue
            stale = [b for b in self.brokers if b.from_file(name) not in (None, b.default(name))]
            if not stale and name in self.set:
                changes[name] = None
            elif stale and self.set.get(name) != stale[0].default(name):
                if stale[0].default(name) is None:
                    print(f"{name}: Kafka has no default that could be set; its old value goes with the next restart")
                else:
                    changes[name] = stale[0].default(name)
        return changes

    def check_own(self):
        for broker in self.brokers:
            for name, wanted in self.wanted.items():
                if broker.source(name) == OWN and wanted is not None and broker.value(name) != wanted:
                    raise Failure(f"broker {broker.id} has {name}={broker.value(name)} of its own, set by hand, and the stack says {wanted}",
                                  f"remove it: kafka-configs.sh --entity-type brokers --entity-name {broker.id} --alter --delete-config {name}")

    def request(self, changes, only_check):
        try:
            self.cluster.ask(ALTER_CONFIGS, validate=only_check, resources=[{"type": BROKER_CONFIG, "name": "", "changes": [
                {"name": name, "operation": DELETE if value is None else SET, "value": value} for name, value in sorted(changes.items())]}])
        except Silent:
            raise
        except Failure as failure:
            unchanged = "nothing was changed" if only_check else "nothing was changed in a broker that runs"
            raise Failure(str(failure).split("; next: ")[0], f"correct kafka.config in the stack file and run up again: {unchanged}") from None

    def alter(self, changes):
        self.request(changes, False)
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            self.look()
            behind = [f"{name} on broker {b.id}" for b in self.brokers for name, value in changes.items()
                      if value is not None and not (b.value(name) == value or b.source(name) == WHOLE_CLUSTER and self.set.get(name) == value)]
            behind += [name for name, value in changes.items() if value is None and name in self.set]
            if not behind:
                return
            if time.monotonic() > deadline:
                raise Failure(f"the quorum took the change and it is not in force after {SETTLE_SECONDS} s: {', '.join(behind)}")
            time.sleep(0.05)

    def next_step(self, name, value):
        if name not in STEPPED or value is None or not value.isdigit():
            return value
        now = int(self.brokers[0].value(name))
        return str(min(max(int(value), (now + 1) // 2), now * 2))

    def wanted_changes(self):
        self.look()
        self.check_own()
        return self.changes()

    def check(self):
        changes = self.wanted_changes()
        if changes:
            self.request({name: self.next_step(name, value) for name, value in changes.items()}, True)
        print(f"{len(changes)} settings would be changed on {len(self.brokers)} running brokers")

    def apply(self):
        changes = self.wanted_changes()
        first = {name: self.brokers[0].value(name) for name in changes}
        while changes:
            self.alter({name: self.next_step(name, value) for name, value in changes.items()})
            changes = {name: value for name, value in changes.items() if name in STEPPED and self.set.get(name) != value}
        for name, old in sorted(first.items()):
            print(f"{name}: {old} became {self.brokers[0].value(name)}")
        print(f"{len(first)} settings were changed on {len(self.brokers)} running brokers")


def main():
    wanted = {}
    for line in sys.stdin.read().splitlines():
        name, given, value = line.partition("=")
        wanted[name] = re.sub(r"\\(.)", r"\1", value) if given else None
    try:
        live = Live(properties(sys.argv[1]), wanted)
        live.check() if sys.argv[2] == "check" else live.apply()
    except (Silent, OSError) as silent:
        if sys.argv[2] != "check":
            raise
        print(f"whether the brokers take these settings is not known yet: {silent}".split("; next: ")[0])


try:
    main()
except Failure as failure:
    sys.exit(str(failure))
except (OSError, KeyError) as failure:
    sys.exit(f"{type(failure).__name__}: {failure}; next: {LOOK}")
