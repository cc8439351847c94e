# The program of `kafka-node rebalance` and `retire`, after kafka.py and plan.py:
#
#     CLIENT_PROPERTIES move WANTED RATE [drain]     WANTED: ids of the brokers that stay
#     CLIENT_PROPERTIES fits WANTED                  RATE: bytes per second and broker
#     CLIENT_PROPERTIES leave ID RATE                moves away what this broker holds
#     CLIENT_PROPERTIES empty|unregister ID
#     CLIENT_PROPERTIES cancel
#
# Ends with 10 where the brokers cannot hold what they would have to, nothing changed.
import sys
import time

AT_ONCE = 500  # partitions that move at the same time
CONFIGS_AT_ONCE = 1000
STALLED_SECONDS = 600  # without a byte or a partition done
LOST_SECONDS = 120  # for a broker to answer again
TELL_SECONDS = 10
SET, DELETE = 0, 1
OF_TOPIC = 1  # where a value comes from, as in DescribeConfigsResponse
NOT_REGISTERED = 102
RATES = ["follower.replication.throttled.rate", "leader.replication.throttled.rate"]
FOLLOWERS, LEADERS = "follower.replication.throttled.replicas", "leader.replication.throttled.replicas"

MOVE = 45, 0, Record(timeout=INT32, topics=List(name=Text, partitions=List(index=INT32, replicas=Numbers))), Record(
    **THROTTLE, **ERROR, topics=List(name=Text, partitions=List(index=INT32, **ERROR)))
MOVING = 46, 0, Record(timeout=INT32, topics=Words), Record(**THROTTLE, **ERROR, topics=List(
    name=Text, partitions=List(index=INT32, replicas=Numbers, adding=Numbers, removing=Numbers)))
LOG_DIRS = 35, 4, Record(topics=Words), Record(**THROTTLE, error=INT16, results=List(
    error=INT16, path=Text, topics=List(name=Text, partitions=List(index=INT32, size=INT64, lag=INT64, future=BOOLEAN)),
    total=INT64, usable=INT64))
UNREGISTER = 64, 0, Record(broker=INT32), Record(**THROTTLE, **ERROR)


def altered(kind, name, settings):
    return {"type": kind, "name": name, "changes": [
        {"name": key, "operation": DELETE if value is None else SET, "value": value} for key, value in sorted(settings.items())]}


class Brokers:
    """The cluster as it is, asked again where a broker goes away in between."""

    def __init__(self, settings):
        self.settings, self.link = settings, None

    def ask(self, message, **request):
        deadline = time.monotonic() + LOST_SECONDS
        while True:
            try:
                self.link = self.link or Cluster(self.settings)
                return self.link.ask(message, **request)
            except (OSError, Silent) as error:
                self.link = None
                if time.monotonic() > deadline:
                    raise Failure(f"no broker answered for {LOST_SECONDS} s: {error}") from None
                time.sleep(1)

    def look(self):
        """Brokers that live with their disks, and partitions with their sizes. A partition
        that moves counts as being where it goes."""
        answer = self.ask(METADATA, topics=None, create=False, operations=False)
        self.live, self.sizes = {}, {}
        for broker in answer["brokers"]:
            disk = self.disk(broker)
            if disk:
                self.live[broker["id"]] = {"rack": broker["rack"], **disk}
        moving = self.moving()
        self.partitions = []
        for topic in answer["topics"]:
            for one in topic["partitions"]:
                key = topic["name"], one["index"]
                replicas = [id for id in one["replicas"] if id not in moving[key]["removing"]] if key in moving else one["replicas"]
                size = max((self.sizes.get((*key, id), 0) for id in one["replicas"]), default=0)
                self.partitions.append({"topic": key[0], "index": key[1], "replicas": replicas, "size": size, "now": one["replicas"]})

    def of(self, broker):
        """A connection to this broker: some things no other can tell, or takes."""
        return Cluster({**self.settings, "bootstrap.servers": f"{broker['host']}:{broker['port']}"})

    def disk(self, broker):
        try:
            answer = self.of(broker).ask(LOG_DIRS, topics=None)["results"]
        except (OSError, Failure):
            return None
        for one in answer:
            for topic in one["topics"]:
                for partition in topic["partitions"]:
                    self.sizes[topic["name"], partition["index"], broker["id"]] = partition["size"]
        return {"host": broker["host"], "port": broker["port"], "id": broker["id"],
                "total": sum(one["total"] for one in answer), "usable": sum(one["usable"] for one in answer)}

    def moving(self):
        return {(topic["name"], one["index"]): one for topic in self.ask(MOVING, timeout=REPLY_SECONDS * 1000, topics=None)["topics"]
                for one in topic["partitions"]}

    def alter(self, changes):
        """changes: {topic: {setting: value, or None to delete it}}"""
        if changes:
            self.ask(ALTER_CONFIGS, validate=False, resources=[altered(TOPIC, name, one) for name, one in sorted(changes.items())])

    def limit(self, id, rate):
        """Sets or, with None, takes back the limit of one broker. One that does not
        answer has nothing to limit."""
        try:
            self.of(self.live[id]).ask(ALTER_CONFIGS, validate=False, resources=[altered(BROKER_CONFIG, str(id), dict.fromkeys(RATES, rate))])
        except (OSError, Silent) as error:
            print(f"broker {id} was not asked to change its limit: {error}".split("; next: ")[0], flush=True)

    def unthrottle(self):
        """Takes back the limits of a move, of one that was killed as well."""
        names, found = sorted({one["topic"] for one in self.partitions}), {}
        for start in range(0, len(names), CONFIGS_AT_ONCE):
            answer = self.ask(DESCRIBE_CONFIGS, synonyms=False, documentation=False, resources=[
                {"type": TOPIC, "name": name, "keys": [FOLLOWERS, LEADERS]} for name in names[start:start + CONFIGS_AT_ONCE]])
            for result in answer["results"]:
                own = {config["name"]: None for config in result["configs"] if config["source"] == OF_TOPIC}
                if own:
                    found[result["name"]] = own
        self.alter(found)
        for id in sorted(self.live):  # to delete what is not there is nothing
            self.limit(id, None)


class Mover:
    def __init__(self, brokers, rate):
        self.brokers, self.rate = brokers, rate

    def move(self, moves):
        self.moves = {(move.partition["topic"], move.partition["index"]): move for move in moves}
        self.total, self.began = sum(move.bytes() for move in moves), time.monotonic()
        self.told = self.progressed = self.began
        self.seen, self.sides, waiting = None, {}, sorted(self.moves)
        print(f"{len(moves)} partitions move, {gib(self.total)}, with at most {self.rate >> 20} MiB/s into and out of each broker", flush=True)
        while True:
            moving = self.brokers.moving()
            room = AT_ONCE - len(moving)
            if waiting and room > 0:
                self.submit(waiting[:room])
                waiting = waiting[room:]
                continue
            if not moving and not waiting:
                break
            self.watch(moving, waiting)
            time.sleep(0.5)
        self.brokers.look()
        self.brokers.unthrottle()

    def submit(self, keys):
        self.throttle(keys)
        by_topic = {}
        for name, index in keys:
            by_topic.setdefault(name, []).append({"index": index, "replicas": self.moves[name, index].after})
        answer = self.brokers.ask(MOVE, timeout=REPLY_SECONDS * 1000, topics=[
            {"name": name, "partitions": partitions} for name, partitions in sorted(by_topic.items())])
        for topic in answer["topics"]:
            for one in topic["partitions"]:
                if one["error"]:
                    raise Failure(f"the cluster refused to move {topic['name']}-{one['index']}: {one['message'] or one['error']}",
                                  "read why, and run this again: it goes on here")

    def throttle(self, keys):
        """A limit for the replicas that move, and for no others."""
        brokers = set()
        for name, index in keys:
            move = self.moves[name, index]
            sides = self.sides.setdefault(name, {FOLLOWERS: [], LEADERS: []})
            sides[FOLLOWERS] += [f"{index}:{id}" for id in move.added()]
            sides[LEADERS] += [f"{index}:{id}" for id in move.partition["now"]]
            brokers |= {*move.added(), *move.partition["now"]}
        for id in sorted(brokers & self.brokers.live.keys()):
            self.brokers.limit(id, str(self.rate))
        self.brokers.alter({name: {side: ",".join(one) for side, one in sides.items() if one} for name, sides in self.sides.items()})

    def watch(self, moving, waiting):
        now = time.monotonic()
        if now - self.told < TELL_SECONDS:
            return
        self.told = now
        self.brokers.sizes = {}
        receivers = {id for one in moving.values() for id in one["adding"]}
        for id in receivers:
            if id in self.brokers.live:
                self.brokers.disk(self.brokers.live[id])
        left = sum(self.moves[key].bytes() for key in waiting)
        for key, one in moving.items():
            if key in self.moves:
                left += sum(max(0, self.moves[key].size - self.brokers.sizes.get((*key, id), 0)) for id in one["adding"])
        done, pending = max(0, self.total - left), len(moving) + len(waiting)
        if (done, pending) != self.seen:
            self.seen, self.progressed = (done, pending), now
        elif now - self.progressed > STALLED_SECONDS:
            name, index = sorted(moving)[0]
            raise Failure(f"{pending} partitions wait to move, and none got on for {STALLED_SECONDS} s (first: {name}-{index} to {ids(moving[name, index]['adding'])})",
                          "look at these brokers (kraftstack status), raise rebalance.throttleMiB if the limit is too low, then run up again: it goes on here")
        pace = done / (now - self.began)
        rest = f", about {left / pace / 60:.0f} min left" if pace > 0 else ""
        print(f"moved {gib(done)} of {gib(self.total)}{rest}; {pending} partitions to go", flush=True)


def move(brokers, wanted, rate, drain_only):
    brokers.look()
    absent = [id for id in wanted if id not in brokers.live]
    if absent:
        raise Failure(f"broker {ids(absent)} does not answer, and would have to hold its share")
    adopted = brokers.moving()
    moves = planned(brokers.live, wanted, brokers.partitions, drain_only)
    if not moves and not adopted:
        brokers.unthrottle()
        print(f"the partitions are where they belong: on brokers {ids(wanted)}")
        return
    if adopted:
        print(f"{len(adopted)} partitions move already")
    started = time.monotonic()
    Mover(brokers, rate).move(moves)
    print(f"moved {gib(sum(move.bytes() for move in moves))} in {time.monotonic() - started:.0f} s; brokers {ids(wanted)} hold all partitions")


def empty(brokers, id):
    brokers.look()
    held = sorted(f"{one['topic']}-{one['index']}" for one in brokers.partitions if id in one["now"])
    if held:
        raise Failure(f"broker {id} still holds {len(held)} partitions (first: {held[0]})")


def unregister(brokers, id):
    answer = brokers.ask(DESCRIBE_CLUSTER, operations=False, endpoints=BROKERS, fenced=True)
    if id not in {broker["id"] for broker in answer["brokers"]}:
        print(f"broker {id} is not registered")
        return
    try:
        brokers.ask(UNREGISTER, broker=id)
    except Failure as failure:
        if f"error {NOT_REGISTERED}" not in str(failure):
            raise
    print(f"broker {id} was unregistered")


def cancel(brokers):
    moving, by_topic = brokers.moving(), {}
    for name, index in sorted(moving):
        by_topic.setdefault(name, []).append({"index": index, "replicas": None})
    if by_topic:
        brokers.ask(MOVE, timeout=REPLY_SECONDS * 1000, topics=[
            {"name": name, "partitions": partitions} for name, partitions in by_topic.items()])
    brokers.look()
    brokers.unthrottle()
    print(f"{len(moving)} moves were cancelled: those partitions stay where they were")


def main():
    path, verb, *rest = sys.argv[1:]
    brokers = Brokers(properties(path))
    if verb == "cancel":
        cancel(brokers)
        return
    wanted = [int(id) for id in rest[0].split(",")]
    if verb == "move":
        move(brokers, wanted, int(rest[1]), rest[2:] == ["drain"])
    elif verb == "fits":
        brokers.look()
        planned(brokers.live, wanted, brokers.partitions, drain_only=True)
    elif verb == "leave":
        brokers.look()
        there = brokers.live.keys() | {id for one in brokers.partitions for id in one["replicas"]}
        move(brokers, sorted(there - set(wanted)), int(rest[1]), True)
    elif verb == "empty":
        empty(brokers, wanted[0])
    elif verb == "unregister":
        unregister(brokers, wanted[0])


try:
    main()
except Unfit as unfit:
    print(unfit, file=sys.stderr)
    sys.exit(10)
except Failure as failure:
    sys.exit(str(failure))
except (OSError, KeyError) as failure:
    sys.exit(f"{type(failure).__name__}: {failure}; next: {LOOK}")
