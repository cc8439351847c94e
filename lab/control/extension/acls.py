"""Network ACLs: AWS's rules on their rules."""

import ipaddress

from moto.ec2.models import EC2Backend

from .errors import NotEmulated, refuse
from .patch import around

LAST = 32767  # the rule that AWS writes itself: deny what no other has matched
MOST = 20  # AWS's quota of rules for each direction, without that last one
PROTOCOLS = {"tcp": "6", "udp": "17", "icmp": "1", "all": "-1"}


def check_entry(acl, number, protocol, egress, cidr, low, high):
    if not 1 <= number < LAST:
        refuse("InvalidParameterValue", f"Value ({number}) for parameter ruleNumber is invalid: 1 to {LAST - 1}.")
    if protocol not in PROTOCOLS.values():
        raise NotEmulated(f"network ACL rules for protocol {protocol}")
    if protocol in ("6", "17"):
        if low is None or high is None:
            refuse("MissingParameter", "The request must contain the parameter PortRange")
        if not 0 <= int(low) <= int(high) <= 65535:
            refuse("InvalidParameterValue", f"Invalid port range ({low},{high})")
    try:
        network = str(ipaddress.IPv4Network(cidr, strict=False))
    except ValueError:
        refuse("InvalidParameterValue", f"CIDR block {cidr} is malformed")
    if sum(1 for e in acl.network_acl_entries if e.egress == egress and e.rule_number != LAST) >= MOST:
        refuse("NetworkAclEntryLimitExceeded", f"The maximum number of network acl entries has been reached: {MOST}")
    return network


def number_of(value):
    return int(value) if value is not None else None


def install():
    @around(EC2Backend, "delete_vpc")
    def delete_vpc(original, self, vpc_id):
        """AWS deletes the default ACL with its VPC, and keeps a VPC that has another."""
        acls = [acl for acl in self.network_acls.values() if acl.vpc_id == vpc_id]
        if any(str(acl.default).lower() != "true" for acl in acls):
            refuse("DependencyViolation", f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
        vpc = original(self, vpc_id)
        for acl in acls:
            self.network_acls.pop(acl.id, None)
        return vpc

    @around(EC2Backend, "create_network_acl")
    def create_network_acl(original, self, vpc_id, tags=None, default=False):
        """A new ACL denies everything: AWS shows that as a rule."""
        acl = original(self, vpc_id, tags, default)
        if not default:
            for egress in (True, False):
                add_entry(self, acl.id, LAST, "-1", "deny", egress, "0.0.0.0/0", None, None, None, None, None)
        return acl

    add_entry = EC2Backend.create_network_acl_entry

    @around(EC2Backend, "create_network_acl_entry")
    def create_network_acl_entry(
        original, self, network_acl_id, rule_number, protocol, rule_action, egress, cidr_block,
        icmp_code, icmp_type, port_range_from, port_range_to, ipv6_cidr_block,
    ):
        acl, number = self.get_network_acl(network_acl_id), int(rule_number)
        egress = str(egress).lower() == "true"
        protocol = PROTOCOLS.get(str(protocol).lower(), str(protocol))
        if not (acl.default and number == LAST):
            if ipv6_cidr_block:
                raise NotEmulated("IPv6 in network ACLs")
            cidr_block = check_entry(acl, number, protocol, egress, cidr_block, port_range_from, port_range_to)
        return original(
            self, network_acl_id, number, protocol, rule_action, egress, cidr_block, icmp_code, icmp_type,
            number_of(port_range_from), number_of(port_range_to), None,
        )

    @around(EC2Backend, "delete_network_acl_entry")
    def delete_network_acl_entry(original, self, network_acl_id, rule_number, egress):
        acl, number = self.get_network_acl(network_acl_id), int(rule_number)
        egress = str(egress).lower() == "true"
        if number == LAST or not any(e.egress == egress and e.rule_number == number for e in acl.network_acl_entries):
            refuse("InvalidNetworkAclEntry.NotFound", f"The specified network acl entry {rule_number} does not exist")
        return original(self, network_acl_id, number, egress)

    @around(EC2Backend, "delete_network_acl")
    def delete_network_acl(original, self, network_acl_id):
        if self.get_network_acl(network_acl_id).default:
            refuse("InvalidParameterValue", f"cannot delete default network ACL {network_acl_id}")
        return original(self, network_acl_id)

    @around(EC2Backend, "replace_network_acl_association")
    def replace_network_acl_association(original, self, association_id, network_acl_id):
        wanted = self.get_network_acl(network_acl_id)
        for acl in self.network_acls.values():
            if association_id in acl._associations:
                if acl.vpc_id != wanted.vpc_id:
                    refuse("InvalidParameterValue", f"{network_acl_id} and the subnet belong to different networks")
                return original(self, association_id, network_acl_id)
        return refuse("InvalidAssociationID.NotFound", f"The association ID '{association_id}' does not exist")

    @around(EC2Backend, "delete_subnet")
    def delete_subnet(original, self, subnet_id):
        """AWS ends a subnet's association with its ACL."""
        subnet = original(self, subnet_id)
        for acl in self.network_acls.values():
            for key, association in list(acl._associations.items()):
                if association.subnet_id == subnet_id:
                    del acl._associations[key]
        return subnet
