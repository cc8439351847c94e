# The program of the questions that kafka-node asks the cluster, after kafka.py and
# quorum.py:
#
#     CLIENT_PROPERTIES QUESTION[+QUESTION...] NODE_ID...
#
# asks one after another until the answer is no. It prints lines "note TEXT" and
# "done TEXT" and ends with 0 for yes, with 1 for "no" and why, with 3 where it will be
# no for good, and with 2 where nobody could be asked. The questions "voters" and
# "all-voters", with ID@HOST:PORT... and the ids of brokers, and "leave" do what they
# ask for.
import concurrent.futures
import sys

CONFIGS_AT_ONCE = 1000
EXAMPLES = 5


def note(text):
    print("note " + text)


def refuse(faults, answer=No):
    """Answers no if there is any fault."""
    if faults:
        more = f"; and {len(faults) - EXAMPLES} more" if len(faults) > EXAMPLES else ""
        raise answer("; ".join(faults[:EXAMPLES]) + more)


def caught_up(cluster, ids):
    """As a voter, or as one that follows and may become one."""
    quorum = Quorum(cluster)
    ready = quorum.ready | {id for id, one in quorum.observers.items() if quorum.follows(one)}
    refuse([f"{id} is behind" if id in quorum.voters or id in quorum.observers else f"{id} does not follow the quorum"
            for id in ids if id not in ready])


def leads_quorum(cluster, ids):
    leader = Quorum(cluster).leader
    if leader not in ids:
        raise No(f"{leader} leads it")


def may_stop_voters(cluster, ids):
    """Without these, a majority of the voters remains that has caught up."""
    quorum = Quorum(cluster)
    others = quorum.voters.keys() - ids
    majority = len(quorum.voters) // 2 + 1
    if len(others) == len(quorum.voters):
        return
    if len(others) < majority and len(quorum.voters) - len(others) > 1:
        raise No(f"{listed(others)} alone would be no majority of {len(quorum.voters)} voters")
    if len(others) < majority:
        note(f"the quorum decides nothing while {listed(ids)} restarts: it has {len(quorum.voters)} voters, and a majority is {majority}")
        majority = len(others)
    behind = others - quorum.ready
    if len(others) - len(behind) < majority:
        raise No(f"{len(others) - len(behind)} other voters have caught up, and a majority is {majority}; behind: {listed(behind)}")


def brokers_unfenced(cluster, ids):
    found = {broker["id"]: broker for broker in
             cluster.ask(DESCRIBE_CLUSTER, operations=False, endpoints=BROKERS, fenced=True)["brokers"]}
    refuse([f"{id} is fenced" if id in found else f"{id} is not registered"
            for id in ids if id not in found or found[id]["fenced"]])


def may_run_level(cluster, levels):
    """Whether a Kafka that reads metadata up to this level can run here."""
    finalized = finalized_level(cluster)
    if finalized > min(levels):
        raise No(f"the cluster's metadata version is finalized at {finalized}, and that Kafka reads no newer one than {min(levels)}")


def at_level(cluster, levels):
    finalized = finalized_level(cluster)
    if finalized < max(levels):
        raise No(f"the cluster's metadata version is {finalized}, and this Kafka has {max(levels)}")


def finalized_level(cluster):
    """Of metadata.version. Features stand in tagged fields, and this answer's head has none."""
    request = Record(name=Text, version=Text).write({"name": "kraftstack", "version": "1"})
    data = cluster.exchange(INT16.write(18) + INT16.write(3), b"\0" + request)
    if INT16.read(data) != 0:
        raise Failure("the broker does not say what it supports")
    List(key=INT16, least=INT16, most=INT16).read(data)
    INT32.read(data)
    for _ in range(Length.read(data)):
        tag, content = Length.read(data), Data(data.read(Length.read(data)))
        if tag == 2:
            return next(f["most"] for f in List(name=Text, most=INT16, least=INT16).read(content) if f["name"] == "metadata.version")
    raise Failure("the broker does not say which features are finalized")


class Partitions:
    """Those with a replica on one of these brokers."""

    def __init__(self, cluster, ids):
        answer = cluster.ask(METADATA, topics=None, create=False, operations=False)
        self.brokers = {broker["id"]: broker for broker in answer["brokers"]}
        self.list = [(topic["name"], partition) for topic in answer["topics"] for partition in topic["partitions"]
                     if not ids.isdisjoint(partition["replicas"])]
        self.list.sort(key=lambda one: (one[0], one[1]["index"]))


def partitions_in_sync(cluster, ids):
    waiting = [f"{topic}-{partition['index']}" for topic, partition in Partitions(cluster, ids).list
               if ids & set(partition["replicas"]) - set(partition["in_sync"])]
    if waiting:
        raise No(f"{len(waiting)} under-replicated (first: {waiting[0]})")


def may_stop_brokers(cluster, ids):
    """Without these, every partition keeps its min.insync.replicas. One that has too few
    replicas for that, whatever is done, is named and does not count."""
    partitions = Partitions(cluster, ids)
    least = min_in_sync(cluster, {topic for topic, _ in partitions.list})
    others = {id for _, partition in partitions.list for id in partition["in_sync"]} - ids
    silent = silent_brokers([partitions.brokers[id] for id in others if id in partitions.brokers])
    faults, never = [], []
    for topic, partition in partitions.list:
        name, wanted = f"{topic}-{partition['index']}", least.get(topic, 1)
        if len(partition["replicas"]) <= wanted:
            never.append(name)
            continue
        rest = set(partition["in_sync"]) - ids - silent
        if len(rest) < wanted:
            faults.append(f"{name} (min.insync.replicas {wanted}; in sync without {listed(ids)}: {listed(rest)})")
    if never:
        note(f"{len(never)} partitions have no replica to spare and cannot be written while {listed(ids)} restarts (first: {never[0]})")
    if faults and silent:
        faults[0] = f"brokers that do not answer: {listed(silent)}; {faults[0]}"
    refuse(faults)


def silent_brokers(brokers):
    """A broker that died a moment ago counts as in sync until its session is over, 9 s later."""
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        there = pool.map(lambda broker: answers(broker["host"], broker["port"]), brokers)
        return {broker["id"] for broker, answered in zip(brokers, there) if not answered}


def may_refill(cluster, ids):
    """All that these nodes had is on others: what comes back empty is no loss."""
    partitions = Partitions(cluster, ids)
    alone = [f"{topic}-{partition['index']} had no other replica: its records are lost"
             for topic, partition in partitions.list if not set(partition["replicas"]) - ids]
    refuse(alone, Never)
    others = {id for _, partition in partitions.list for id in partition["in_sync"]} - ids
    silent = silent_brokers([partitions.brokers[id] for id in others if id in partitions.brokers])
    refuse([f"{topic}-{partition['index']} has no other replica in sync (of {listed(set(partition['replicas']) - ids)})"
            for topic, partition in partitions.list if not set(partition["in_sync"]) - ids - silent])
    quorum = Quorum(cluster)
    for id in ids & quorum.voters.keys():
        quorum.expect_majority_without(id)


def min_in_sync(cluster, topics):
    names, least = sorted(topics), {}
    for at in range(0, len(names), CONFIGS_AT_ONCE):
        answer = cluster.ask(DESCRIBE_CONFIGS, synonyms=False, documentation=False, resources=[
            {"type": TOPIC, "name": name, "keys": ["min.insync.replicas"]} for name in names[at:at + CONFIGS_AT_ONCE]])
        least.update({result["name"]: int(result["configs"][0]["value"]) for result in answer["results"]})
    return least


QUESTIONS = {
    "caught-up": caught_up, "leads-quorum": leads_quorum, "may-stop-voters": may_stop_voters,
    "may-run-level": may_run_level, "at-level": at_level,
    "brokers-unfenced": brokers_unfenced, "partitions-in-sync": partitions_in_sync, "may-stop-brokers": may_stop_brokers,
    "may-refill": may_refill, "leave": lambda cluster, ids: Quorum(cluster).leave(ids),
}


def main():
    path, question, *words = sys.argv[1:]
    cluster = Cluster(properties(path))
    if question in ("voters", "all-voters"):
        staying = {int(word) for word in words if "@" not in word}
        Quorum(cluster).step(voter_addresses(words), question == "all-voters", staying)
    else:
        for one in question.split("+"):
            QUESTIONS[one](cluster, set(map(int, words)))


try:
    main()
except No as no:
    print(no)
    sys.exit(3 if isinstance(no, Never) else 1)
except (Failure, OSError, KeyError) as failure:
    print(failure if isinstance(failure, Failure) else f"{type(failure).__name__}: {failure}")
    sys.exit(2)
