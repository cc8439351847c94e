# The quorum and its members, between kafka.py and cluster.py. A voter is known by
# its id and its directory's: one whose disk was lost comes back as another one, which
# follows the quorum until the lost one was removed from it and it was added (KIP-853).

# A voter has caught up that had all of the leader's log within this time: a lag in
# records is never quite 0 on a busy cluster. Voters fetch at least every 0.5 s.
CAUGHT_UP_MS = 3000
CHANGE_MS = 10_000  # for a change of the quorum to be committed
NO_CONTROLLER = "the stack has it no longer as a controller"
ANSWER_SECONDS = 2  # for a node to take a connection

ADD_VOTER = 80, 0, Record(cluster=Text, timeout=INT32, id=INT32, directory=UUID, listeners=List(
    name=Text, host=Text, port=PORT)), Record(**THROTTLE, **ERROR)
REMOVE_VOTER = 81, 0, Record(cluster=Text, id=INT32, directory=UUID), Record(**THROTTLE, **ERROR)


class No(Exception):
    """The answer to a question, and why."""


class Never(No):
    """Waiting does not help."""


def done(text):
    """One step was done; the answer is for the next one to give."""
    print("done " + text)
    raise No(text)


def listed(ids):
    return ", ".join(map(str, sorted(ids))) or "none"


def answers(host, port):
    try:
        socket.create_connection((host, port), ANSWER_SECONDS).close()
        return True
    except OSError:
        return False


class Quorum:
    def __init__(self, cluster):
        answer = cluster.ask(DESCRIBE_QUORUM, topics=[{"name": "__cluster_metadata", "partitions": [{"index": 0}]}])
        partition = answer["topics"][0]["partitions"][0]
        self.cluster, self.leader = cluster, partition["leader"]
        self.voters = {voter["id"]: voter for voter in partition["voters"]}
        if self.leader not in self.voters:
            raise No("the quorum has no leader")
        self.now = self.voters[self.leader]["caught_up"]
        self.ready = {id for id, voter in self.voters.items() if self.follows(voter)}
        # Those that stopped are told of for minutes.
        self.observers = {one["id"]: one for one in partition["observers"] if self.now - one["fetched"] <= CAUGHT_UP_MS}

    def follows(self, replica):
        return self.now - replica["caught_up"] <= CAUGHT_UP_MS

    def expect_majority_without(self, id):
        """The voters that remain decide without this one, and go on where one leads that
        has everything."""
        others = self.voters.keys() - {id}
        majority = len(others) // 2 + 1
        if len(others & self.ready) < majority:
            raise No(f"voter {id} cannot leave the quorum: {len(others & self.ready)} of the {len(others)} others have caught up, "
                     f"and a majority is {majority}; behind: {listed(others - self.ready)}")

    def remove(self, id, why):
        self.expect_majority_without(id)
        self.cluster.ask(REMOVE_VOTER, cluster=None, id=id, directory=self.voters[id]["directory"])
        done(f"voter {id} was removed from the quorum: {why}")

    def add(self, id, host, port):
        self.cluster.ask(ADD_VOTER, cluster=None, timeout=CHANGE_MS, id=id, directory=self.observers[id]["directory"],
                         listeners=[{"name": "CONTROLLER", "host": host, "port": port}])
        done(f"voter {id} was added to the quorum")

    def step(self, wanted, complete, staying):
        """Does one thing that brings the quorum closer to the wanted voters, given as
        {id: (host, port)}, or says in a No what it waits for: whoever asks again goes on
        where another was killed. Joining comes before leaving. Where the quorum need not
        be complete, nobody waits for those whose process is no controller yet. Brokers
        that stay leave by themselves, each before its restart: a running process looks
        for the quorum where it was told to when it started, unless it is a voter, whom
        the leader tells. Where one of them leads, it leaves here: those that it was told
        of still run as controllers and tell it who leads now, but not any more when its
        turn to restart comes, and a broker without a controller takes minutes to stop."""
        for id in sorted(wanted.keys() & self.voters.keys() - self.ready):
            successor = self.observers.get(id)
            if successor and self.follows(successor) and answers(*wanted[id]):
                self.remove(id, "its disk was lost, and it is back with another one")
        waiting = []
        for id in sorted(wanted.keys() - self.voters.keys()):
            there = answers(*wanted[id])
            if there and id in self.observers and self.follows(self.observers[id]):
                self.add(id, *wanted[id])
            if there or complete:
                waiting.append(f"{id} " + ("is behind" if there else "does not answer"))
        waiting += [f"{id} is behind" for id in sorted(wanted.keys() & self.voters.keys() - self.ready)]
        if waiting:
            raise No("; ".join(waiting))
        leaving = sorted(self.voters.keys() - wanted.keys() - staying, key=lambda id: (id == self.leader, -id))
        if leaving and not wanted.keys() & self.voters.keys():
            raise Never(f"none of the wanted voters ({listed(wanted)}) is in the quorum, and it cannot do without the others ({listed(leaving)})")
        for id in leaving:
            self.remove(id, NO_CONTROLLER)
        if complete and self.leader in staying - wanted.keys():
            self.remove(self.leader, NO_CONTROLLER + ", and others are to lead")

    def leave(self, ids):
        for id in ids & self.voters.keys():
            self.remove(id, NO_CONTROLLER)


def voter_addresses(words):
    """Of words ID@HOST:PORT, and others."""
    wanted = {}
    for word in (word for word in words if "@" in word):
        id, _, address = word.partition("@")
        host, _, port = address.rpartition(":")
        wanted[int(id)] = host, int(port)
    return wanted
