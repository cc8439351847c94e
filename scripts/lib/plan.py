# Where partitions go when brokers join or leave: a pure function, which asks nobody.
# Its units are bytes. What it promises:
#   - a broker that leaves gives away what it has, and nothing else moves for that;
#   - a broker that has clearly less than its share gets it from those that have more,
#     each replica moved once, largest first, so that no byte more moves than the share;
#   - no partition is spread over fewer zones than before, and no disk gets too full.

LEAST = 1 << 20  # what a replica weighs at least: empty ones count too
FULL = 0.85  # of a disk, above which nothing is moved to it
SHORT = 0.9  # of the mean: who has less gets more


class Unfit(Exception):
    """The brokers that stay cannot hold the replicas, with the sums that show it."""


def gib(size):
    return f"{size / 2**30:.1f} GiB"


def ids(numbers):
    return ", ".join(map(str, sorted(numbers)))


class Move:
    def __init__(self, partition, size):
        self.partition, self.size = partition, size
        self.before, self.after = list(partition["replicas"]), list(partition["replicas"])

    def added(self):
        return [id for id in self.after if id not in self.before]

    def bytes(self):
        return self.size * len(self.added())


class Plan:
    """brokers: {id: {"rack", "total", "usable"}} of all that live. partitions: [{"topic",
    "index", "replicas", "size"}]. wanted: the ids of those that stay, be they down."""

    def __init__(self, brokers, wanted, partitions):
        self.racks = {id: broker["rack"] or "" for id, broker in brokers.items()}
        self.disks = {id: broker for id, broker in brokers.items()}
        self.kept = set(wanted)  # some may be down: what they hold stays theirs
        self.stay = sorted(id for id in wanted if id in brokers)
        self.incoming = dict.fromkeys(self.stay, 0)
        self.moves = [Move(one, one["size"]) for one in sorted(partitions, key=lambda one: (-one["size"], one["topic"], one["index"]))]
        self.load, self.leads = dict.fromkeys(self.stay, 0), dict.fromkeys(self.stay, 0)
        for move in self.moves:
            for id in move.after:
                if id in self.load:
                    self.load[id] += max(move.size, LEAST)
            if move.after and move.after[0] in self.leads:
                self.leads[move.after[0]] += 1

    def made(self):
        return [move for move in self.moves if move.after != move.before]

    def zones(self, replicas):
        """A broker that is gone stands for a zone of its own no more."""
        return len({self.racks[id] for id in replicas if id in self.racks})

    def give(self, move, place, id):
        old, weight = move.after[place], max(move.size, LEAST)
        move.after[place] = id
        self.load[id] += weight
        self.incoming[id] += move.size
        if old in self.load:
            self.load[old] -= weight
            self.incoming[old] -= move.size
        if place == 0:
            self.leads[id] += 1
            if old in self.leads:
                self.leads[old] -= 1

    def drain(self):
        """Moves every replica away from the brokers that do not stay."""
        for move in self.moves:
            for place, old in enumerate(move.before):
                if old not in self.kept:
                    self.give(move, place, self.heir(move, place))
        for id in self.stay:
            if self.incoming[id] > 0 and not self.has_room(id, 0):
                raise Unfit(self.full())

    def heir(self, move, place):
        name = f"{move.partition['topic']}-{move.partition['index']}"
        rest = move.after[:place] + move.after[place + 1:]
        heirs = [id for id in self.stay if id not in move.after]
        if not heirs:
            raise Unfit(f"{name} has {len(move.before)} replicas, and {len(self.stay)} brokers stay ({ids(self.stay)})")
        best = min(heirs, key=lambda id: (-self.zones(rest + [id]), self.load[id], id))
        before, after = self.zones(move.before), self.zones(rest + [best])
        if after < before:
            raise Unfit(f"{name} is spread over {before} zones, and on the brokers that stay ({ids(self.stay)}) it would be over {after}")
        return best

    def has_room(self, id, more):
        disk = self.disks[id]
        return disk["total"] <= 0 or disk["total"] - disk["usable"] + self.incoming[id] + more <= FULL * disk["total"]

    def full(self):
        """The sums of disks that do not suffice."""
        lines = [f"broker {id}: {gib(self.disks[id]['total'] - self.disks[id]['usable'])} used + {gib(self.incoming[id])} to come "
                 f"> {gib(FULL * self.disks[id]['total'])}" for id in self.stay if not self.has_room(id, 0)]
        return f"disks would be more than {FULL:.0%} full: " + "; ".join(lines)

    def spread(self):
        """Gives brokers that have clearly less than the mean their share."""
        if not self.stay:
            return
        mean = sum(self.load.values()) / len(self.stay)
        short = {id for id in self.stay if self.load[id] < SHORT * mean}
        at = {}  # for each donor and receiver: how far down the donor's replicas was looked
        held = {id: [(move, place) for move in self.moves for place, held_by in enumerate(move.before) if held_by == id] for id in self.stay}
        while short:
            to = min(short, key=lambda id: (self.load[id], id))
            if not any(self.take(donor, to, held[donor], at) for donor in sorted(self.stay, key=lambda id: (-self.load[id], id))
                       if donor not in short):
                short.remove(to)
        self.share_leads()

    def take(self, donor, to, held, at):
        """Moves the largest replica that leaves the donor with no less than the receiver."""
        index = at.get((donor, to), 0)
        while index < len(held):
            move, place = held[index]
            weight = max(move.size, LEAST)
            if 2 * weight > self.load[donor] - self.load[to]:
                if self.load[donor] - self.load[to] < 2 * LEAST:
                    break
            elif move.after[place] == donor and to not in move.after and self.fits(move, place, to):
                self.give(move, place, to)
                at[donor, to] = index + 1
                return True
            index += 1
        at[donor, to] = len(held)
        return False

    def fits(self, move, place, to):
        rest = move.after[:place] + move.after[place + 1:]
        return self.zones(rest + [to]) >= self.zones(move.after) and self.has_room(to, move.size)

    def share_leads(self):
        """Who is first leads. Another order of replicas that move anyway costs nothing."""
        for move in self.made():
            first = move.after[0]
            best = min(move.after, key=lambda id: (self.leads.get(id, 0), id))
            if first in self.leads and best in self.leads and self.leads[best] + 1 < self.leads[first]:
                move.after.remove(best)
                move.after.insert(0, best)
                self.leads[best] += 1
                self.leads[first] -= 1


def planned(brokers, wanted, partitions, drain_only=False):
    """The moves that bring partitions to the wanted brokers. While some leave, nothing
    but what they hold moves."""
    plan = Plan(brokers, wanted, partitions)
    plan.drain()
    if not plan.made() and not drain_only:
        plan.spread()
    return plan.made()
