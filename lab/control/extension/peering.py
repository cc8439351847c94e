"""VPC peering: AWS's refusals, and routes that go nowhere once it is gone."""

import ipaddress

from moto.ec2.models import EC2Backend
from moto.ec2.models.route_tables import Route

from .errors import NotEmulated, refuse
from .patch import around

ALIVE = ("pending-acceptance", "active")


def networks(vpc):
    return [ipaddress.IPv4Network(a["cidr_block"]) for a in vpc.cidr_block_association_set]


def overlap(one, other):
    return any(a.overlaps(b) for a in networks(one) for b in networks(other))


def peered(backend, one_id, other_id):
    """Whether an active connection joins two VPCs."""
    return any(
        p._status.code == "active" and {p.vpc.id, p.peer_vpc.id} == {one_id, other_id}
        for p in backend.vpc_pcxs.values()
    )


def state(route):
    """AWS keeps a route whose target is gone, and says so."""
    lost_peering = route.vpc_pcx is not None and route.vpc_pcx._status.code != "active"
    lost_nat = route.nat_gateway is not None and route.nat_gateway.state == "deleted"
    return "blackhole" if lost_peering or lost_nat else "active"


def install():
    Route.state = property(state)

    @around(EC2Backend, "create_vpc_peering_connection")
    def create_vpc_peering_connection(original, self, vpc, peer_vpc, tags=None):
        """AWS makes a connection of overlapping VPCs, and fails it at once."""
        if vpc.owner_id != peer_vpc.owner_id or vpc.region != peer_vpc.region:
            raise NotEmulated("peering with another account or region")
        if vpc is peer_vpc:
            refuse("InvalidParameterValue", "A VPC cannot be peered with itself")
        for other in self.vpc_pcxs.values():
            if other._status.code in ALIVE and {other.vpc.id, other.peer_vpc.id} == {vpc.id, peer_vpc.id}:
                refuse("VpcPeeringConnectionAlreadyExists", f"{other.id} joins {vpc.id} and {peer_vpc.id} already")
        connection = original(self, vpc, peer_vpc, tags)
        if overlap(vpc, peer_vpc):
            connection._status.code = "failed"
            connection._status.message = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"
        return connection

    @around(EC2Backend, "describe_vpc_peering_connections")
    def describe_vpc_peering_connections(original, self, vpc_peering_ids=None):
        for wanted in vpc_peering_ids or []:
            self.get_vpc_peering_connection(wanted)
        return original(self, vpc_peering_ids)

    @around(EC2Backend, "modify_vpc_peering_connection_options")
    def modify_vpc_peering_connection_options(original, self, vpc_pcx_id, accepter_options=None, requester_options=None):
        if self.get_vpc_peering_connection(vpc_pcx_id)._status.code != "active":
            refuse("OperationNotPermitted", f"Peering pcx {vpc_pcx_id} is not active.")

        def truths(options):
            return {key: str(value).lower() == "true" for key, value in (options or {}).items()}

        return original(self, vpc_pcx_id, truths(accepter_options), truths(requester_options))

    @around(EC2Backend, "delete_vpc_peering_connection")
    def delete_vpc_peering_connection(original, self, vpc_pcx_id):
        found = self.get_vpc_peering_connection(vpc_pcx_id)
        if found._status.code not in ALIVE:
            refuse("InvalidStateTransition", f"Invalid state transition for {vpc_pcx_id}, attempted to delete from {found._status.code}")
        return original(self, vpc_pcx_id)

    @around(EC2Backend, "create_route")
    def create_route(original, self, route_table_id, destination_cidr_block, *args, **kwargs):
        wanted = kwargs.get("vpc_peering_connection_id")
        if wanted:
            connection, vpc_id = self.get_vpc_peering_connection(wanted), self.get_route_table(route_table_id).vpc_id
            if vpc_id not in (connection.vpc.id, connection.peer_vpc.id):
                refuse(
                    "InvalidParameterValue",
                    f"route table {route_table_id} and peering connection {wanted} belong to different networks",
                )
        return original(self, route_table_id, destination_cidr_block, *args, **kwargs)
