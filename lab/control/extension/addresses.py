"""Private addresses: AWS's rules on who may have which.

moto picks interface addresses at random, reserves too few, and never frees
those of terminated instances. Here the interfaces themselves are the record of
what is taken.
"""

import ipaddress

from moto.ec2.exceptions import InvalidSubnetIdError
from moto.ec2.models import EC2Backend, elastic_network_interfaces, nat_gateways
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance
from moto.ec2.models.subnets import Subnet

from .errors import NotEmulated, refuse
from .patch import around

RESERVED = 4  # the network address, the router, the resolver, one for later use


def taken(subnet):
    return {
        ipaddress.ip_address(address["PrivateIpAddress"])
        for eni in subnet.ec2_backend.enis.values()
        if eni.subnet.id == subnet.id
        for address in eni.private_ip_addresses
    }


def usable(subnet, address):
    """AWS keeps the first four addresses of a subnet and its last one."""
    first = subnet.cidr.network_address + RESERVED
    return first <= address < subnet.cidr.broadcast_address


def free_address(subnet):
    """The lowest free address. AWS picks any; the lab must pick the same twice."""
    used = taken(subnet)
    address = subnet.cidr.network_address + RESERVED
    while address < subnet.cidr.broadcast_address:
        if address not in used:
            return str(address)
        address += 1
    return no_room(subnet)


def check_room(subnet, count):
    """AWS launches all instances of a call or none."""
    room = subnet.cidr.num_addresses - RESERVED - 1 - len(taken(subnet))
    if count > room:
        no_room(subnet)


def no_room(subnet):
    refuse(
        "InsufficientFreeAddressesInSubnet",
        f"There are not enough free addresses in subnet '{subnet.id}' to satisfy the requested number of instances.",
    )


def check_address(subnet, text):
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        refuse("InvalidParameterValue", f"Value ({text}) for parameter privateIpAddress is invalid.")
    if address not in subnet.cidr:
        refuse("InvalidParameterValue", f"Address {text} does not fall within the subnet's address range")
    if not usable(subnet, address):
        refuse("InvalidParameterValue", f"Address {text} is in subnet's reserved address range")
    if address in taken(subnet):
        refuse("InvalidIPAddress.InUse", f"Address {text} is in use.")


def install():
    # A NAT gateway's address comes from its subnet, through the interface below.
    nat_gateways.random_private_ip = lambda: None
    # moto would hand out a routable public range that belongs to others.
    NetworkInterface.check_auto_public_ip = lambda self: None

    def get_available_subnet_ip(self, instance):
        return free_address(self)

    def request_ip(self, ip, instance):
        check_address(self, ip)

    Subnet.get_available_subnet_ip = get_available_subnet_ip
    Subnet.request_ip = request_ip
    Subnet.del_subnet_ip = lambda self, ip: None

    @around(EC2Backend, "create_network_interface")
    def create_network_interface(
        original, self, subnet, private_ip_address, private_ip_addresses=None, **kwargs
    ):
        if isinstance(subnet, str):
            subnet = self.get_subnet(subnet)
        if isinstance(private_ip_address, list):
            private_ip_address = private_ip_address[0] if private_ip_address else None
        if kwargs.get("secondary_ips_count") or len(private_ip_addresses or []) > 1:
            raise NotEmulated("secondary private addresses")
        if private_ip_addresses and not private_ip_address:
            first = private_ip_addresses[0]
            private_ip_address = first if isinstance(first, str) else first.get("PrivateIpAddress")
        if private_ip_address:
            check_address(subnet, private_ip_address)
        else:
            private_ip_address = free_address(subnet)
        return original(self, subnet, private_ip_address, None, **kwargs)

    @around(EC2Backend, "assign_private_ip_addresses")
    def assign_private_ip_addresses(original, self, *args, **kwargs):
        raise NotEmulated("secondary private addresses")

    @around(Instance, "prep_nics")
    def prep_nics(original, self, nic_spec, **kwargs):
        """AWS deletes the interfaces that it made with an instance together with
        it, unless told otherwise; moto keeps them and their addresses."""
        before = set(self.ec2_backend.enis)
        keep = {
            int(nic.get("DeviceIndex", 0))
            for nic in nic_spec
            if str(nic.get("DeleteOnTermination")).lower() == "false"
        }
        original(self, nic_spec, **kwargs)
        for index, nic in self.nics.items():
            if nic.id not in before:
                nic.delete_on_termination = index not in keep

    @around(Instance, "terminate")
    def terminate(original, self):
        """AWS takes Elastic IPs and interfaces away from a terminated instance."""
        for address in self.ec2_backend.addresses:
            if address.eni in self.nics.values() or address.instance is self:
                self.ec2_backend.disassociate_address(address=address.public_ip)
        gone = self.state == "terminated"
        if gone:
            return self._state  # terminating twice is allowed and does nothing
        previous = original(self)
        for nic in self.nics.values():
            if nic.id in self.ec2_backend.enis:  # told to outlive its instance
                nic.instance = nic.attachment_id = nic.attach_time = None
                nic.status = "available"
        return previous

    # Interfaces made for endpoints and the like must not fall back to chance.
    def no_random_address(cidr=None, ipv6=False):
        raise NotEmulated("an automatic address outside the subnet's order")

    elastic_network_interfaces.random_private_ip = no_random_address

    @around(EC2Backend, "create_subnet")
    def create_subnet(original, self, vpc_id, cidr_block, *args, **kwargs):
        """AWS keeps the canonical form of a CIDR, and allows /16 to /28."""
        try:
            network = ipaddress.IPv4Network(str(cidr_block), strict=False)
        except ValueError:
            return original(self, vpc_id, cidr_block, *args, **kwargs)
        if not 16 <= network.prefixlen <= 28:
            refuse("InvalidSubnet.Range", f"The CIDR '{cidr_block}' is invalid.")
        subnet = original(self, vpc_id, str(network), *args, **kwargs)
        if not self.vpcs[vpc_id].is_default:
            # moto takes the first subnet of a zone for the account's default one.
            subnet.default_for_az = subnet.map_public_ip_on_launch = False
        return subnet

    @around(EC2Backend, "delete_subnet")
    def delete_subnet(original, self, subnet_id):
        """AWS keeps a subnet while an interface or a load balancer is in it, and
        drops its route table association with it."""
        from moto.elbv2 import elbv2_backends  # late: it is slow to import

        balancers = elbv2_backends[self.account_id][self.region_name].load_balancers.values()
        if any(eni.subnet.id == subnet_id for eni in self.enis.values()) or any(
            subnet.id == subnet_id for balancer in balancers for subnet in balancer.subnets
        ):
            refuse("DependencyViolation", f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
        try:
            subnet = original(self, subnet_id)
        except KeyError:
            raise InvalidSubnetIdError(subnet_id) from None
        for table in self.route_tables.values():
            for association, target in list(table._associations.items()):
                if target == subnet_id:
                    del table._associations[association]
        return subnet
