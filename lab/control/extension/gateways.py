"""Elastic IPs, internet gateways, NAT gateways, routes."""

import ipaddress

from moto.ec2.models import EC2Backend
from moto.ec2.responses import EC2Response

from .errors import refuse
from .patch import around


def internet_gateway_of(backend, vpc_id):
    for gateway in backend.internet_gateways.values():
        if gateway.vpc and gateway.vpc.id == vpc_id:
            return gateway
    return None


def canonical(cidr):
    """AWS stores 9.9.9.1/24 as 9.9.9.0/24; what is no CIDR is left to moto."""
    try:
        return str(ipaddress.IPv4Network(str(cidr), strict=False)) if cidr else cidr
    except ValueError:
        return cidr


def install():
    install_addresses()
    install_internet_gateways()
    install_nat_gateways()
    install_routes()


def install_addresses():
    @around(EC2Backend, "associate_address")
    def associate_address(
        original, self, instance=None, eni=None, address=None, allocation_id=None, reassociate=False
    ):
        """AWS wants an internet gateway, refuses a taken address unless told to
        move it, and takes the interface's older address away."""
        found = self.address_by_ip([address]) if address else self.address_by_allocation([allocation_id])
        eip = found[0]
        if instance is not None and instance.state not in ("running", "stopped", "pending"):
            refuse("InvalidInstanceID", f"The instance '{instance.id}' is not in a valid state for this operation.")
        target = eni or instance.nics[0]
        vpc_id = target.subnet.vpc_id
        if internet_gateway_of(self, vpc_id) is None:
            refuse("Gateway.NotAttached", f"Network {vpc_id} is not attached to any internet gateway")
        if eip.eni is not None and eip.eni is not target:
            if str(reassociate).lower() != "true":
                refuse("Resource.AlreadyAssociated", f"resource {eip.allocation_id} is already associated")
            self.disassociate_address(address=eip.public_ip)
        for other in self.addresses:
            if other is not eip and other.eni is target:
                self.disassociate_address(address=other.public_ip)
        eip = original(self, instance, eni, address, allocation_id, reassociate)
        # With an interface named, AWS still says whose it is.
        eip.instance = eip.eni.instance
        return eip

    @around(EC2Backend, "release_address")
    def release_address(original, self, address=None, allocation_id=None):
        """AWS keeps an address that something uses."""
        found = self.address_by_ip([address]) if address else self.address_by_allocation([allocation_id])
        if found[0].eni is not None:
            refuse("InvalidIPAddress.InUse", f"Address {found[0].public_ip} is in use.")
        return original(self, address, allocation_id)


def install_internet_gateways():
    @around(EC2Backend, "attach_internet_gateway")
    def attach_internet_gateway(original, self, internet_gateway_id, vpc_id):
        """AWS allows one internet gateway for a VPC."""
        self.get_vpc(vpc_id)
        if internet_gateway_of(self, vpc_id) is not None:
            refuse(
                "Resource.AlreadyAssociated",
                f"Network {vpc_id} already has an internet gateway attached",
            )
        return original(self, internet_gateway_id, vpc_id)

    @around(EC2Backend, "detach_internet_gateway")
    def detach_internet_gateway(original, self, internet_gateway_id, vpc_id):
        """AWS keeps the gateway while the VPC has public addresses."""
        if any(a.eni is not None and a.eni.subnet.vpc_id == vpc_id for a in self.addresses):
            refuse(
                "DependencyViolation",
                f"Network {vpc_id} has some mapped public address(es). Please unmap those public "
                "address(es) before detaching the gateway.",
            )
        return original(self, internet_gateway_id, vpc_id)


def install_nat_gateways():
    @around(EC2Backend, "create_nat_gateway")
    def create_nat_gateway(original, self, subnet_id, allocation_id, tags=None, connectivity_type="public"):
        """AWS starts a gateway that then fails; the lab, which has no pending
        state, refuses at once, with the code AWS puts into the failure."""
        connectivity_type = connectivity_type or "public"
        vpc_id = self.get_subnet(subnet_id).vpc_id
        if connectivity_type == "public":
            if not allocation_id:
                refuse("MissingParameter", "The request must include the AllocationId parameter.")
            eip = self.address_by_allocation([allocation_id])[0]
            if eip.eni is not None:
                refuse("Resource.AlreadyAssociated", f"resource {allocation_id} is already associated")
            if internet_gateway_of(self, vpc_id) is None:
                refuse("Gateway.NotAttached", f"Network {vpc_id} has no Internet gateway attached")
        nat = original(self, subnet_id, allocation_id, tags, connectivity_type)
        nat.private_ip = nat._eni.private_ip_address
        nat._eni.description = f"Interface for NAT Gateway {nat.id}"
        nat._eni.status = "in-use"
        nat._eni._group_set = []  # a NAT gateway has no security group
        return nat

    @around(EC2Backend, "delete_nat_gateway")
    def delete_nat_gateway(original, self, nat_gateway_id):
        """AWS frees the address and removes the interface; routes stay as blackholes."""
        if nat_gateway_id not in self.nat_gateways:
            refuse("NatGatewayNotFound", f"The Nat Gateway {nat_gateway_id} was not found")
        nat = original(self, nat_gateway_id)
        for address in self.addresses:
            if address.eni is nat._eni:
                self.disassociate_address(address=address.public_ip)
        self.enis.pop(nat._eni.id, None)
        return nat

    @around(EC2Backend, "describe_nat_gateways")
    def describe_nat_gateways(original, self, filters, nat_gateway_ids):
        for wanted in nat_gateway_ids or []:
            if wanted not in self.nat_gateways:
                refuse("NatGatewayNotFound", f"The Nat Gateway {wanted} was not found")
        return original(self, filters, nat_gateway_ids)


def install_routes():
    @around(EC2Backend, "associate_route_table")
    def associate_route_table(original, self, route_table_id, gateway_id=None, subnet_id=None):
        """AWS refuses a second table for a subnet; moto reports success and
        changes nothing."""
        wanted = self.get_route_table(route_table_id)
        for table in self.route_tables.values():
            if subnet_id and table is not wanted and subnet_id in table._associations.values():
                refuse(
                    "Resource.AlreadyAssociated",
                    f"the specified association for route table {route_table_id} conflicts with an "
                    "existing association",
                )
        if subnet_id and self.get_subnet(subnet_id).vpc_id != wanted.vpc_id:
            refuse(
                "InvalidParameterValue",
                f"Route table {route_table_id} and network {subnet_id} belong to different networks",
            )
        return original(self, route_table_id, gateway_id, subnet_id)

    @around(EC2Response, "delete_route_table")
    def delete_route_table(original, self):
        """AWS deletes a main table only together with its VPC."""
        table_id = self._get_param("RouteTableId")
        if self.ec2_backend.get_route_table(table_id).main_association_id:
            refuse(
                "DependencyViolation",
                f"The routeTable '{table_id}' has dependencies and cannot be deleted.",
            )
        return original(self)

    @around(EC2Backend, "create_route")
    def create_route(original, self, route_table_id, destination_cidr_block, *args, **kwargs):
        nat, gateway = kwargs.get("nat_gateway_id"), kwargs.get("gateway_id")
        if nat and (nat not in self.nat_gateways or self.nat_gateways[nat].state == "deleted"):
            refuse("InvalidNatGatewayID.NotFound", f"The natGateway ID '{nat}' does not exist")
        if gateway and gateway.startswith("igw-"):
            vpc = self.get_internet_gateway(gateway).vpc
            table = self.get_route_table(route_table_id)
            if vpc is None or vpc.id != table.vpc_id:
                refuse(
                    "InvalidParameterValue",
                    f"route table {route_table_id} and network gateway {gateway} belong to different networks",
                )
        return original(self, route_table_id, canonical(destination_cidr_block), *args, **kwargs)

    @around(EC2Backend, "create_vpc")
    def create_vpc(original, self, cidr_block=None, *args, **kwargs):
        return original(self, canonical(cidr_block), *args, **kwargs)
