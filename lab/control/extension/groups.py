"""Security groups: AWS's refusals."""

from moto.ec2.models import EC2Backend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.responses import EC2Response

from .errors import NotEmulated, refuse
from .patch import around
from .peering import peered


PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "-1": "-1"}


def all_groups(backend):
    return [group for groups in backend.groups.values() for group in groups.values()]


def refers_to(rule, group_id):
    return bool(rule.source_group) and rule.source_group.get("GroupId") == group_id


def check_rule(backend, group_id, protocol, from_port, to_port, sources):
    name = PROTOCOLS.get(str(protocol), str(protocol).lower())
    if name not in PROTOCOLS.values():
        raise NotEmulated(f"security group rules for protocol {protocol}")
    if name in ("tcp", "udp"):
        if from_port is None or to_port is None:
            refuse(
                "InvalidParameterValue",
                "Invalid value for portRange. Must specify both from and to ports with TCP/UDP.",
            )
        low, high = int(from_port), int(to_port)
        if low > high or low < 0 or high > 65535:
            refuse("InvalidParameterValue", f"Invalid {name.upper()} port range ({low},{high})")
    group = backend.get_security_group_from_id(group_id)
    for source in sources or []:
        other = backend.get_security_group_from_id(source.get("GroupId", ""))
        if group and other and other.vpc_id != group.vpc_id and not peered(backend, other.vpc_id, group.vpc_id):
            refuse(
                "InvalidGroup.NotFound",
                f"You have specified two resources that belong to different networks: {group.id}, {other.id}",
            )


def worn_by(instance):
    """An instance's groups are those of its primary interface, as on AWS; moto
    keeps two lists, and a replaced group stays in one of them for ever."""
    nics = instance.__dict__.get("nics") or {}
    return nics[0]._group_set if 0 in nics else instance.__dict__.get("lab_groups", [])


def wear(instance, groups):
    instance.__dict__["lab_groups"] = groups
    nics = instance.__dict__.get("nics") or {}
    if 0 in nics:
        nics[0]._group_set = list(groups)


def description(rule):
    """moto forgets the description of a rule that names a group."""
    return rule.ip_range.get("Description") or (rule.source_group or {}).get("Description")


def install():
    SecurityGroupRule.description = property(description)
    Instance.security_groups = property(worn_by, wear)
    NetworkInterface.group_set = property(lambda self: self._group_set)

    @around(EC2Backend, "modify_instance_security_groups")
    def modify_instance_security_groups(original, self, instance_id, new_group_id_list):
        """AWS wants known groups of the same VPC; moto comes here, and takes all
        groups away, with every attribute that it does not know."""
        if not new_group_id_list:
            raise NotEmulated("this change of an instance's attributes")
        vpc_id = self.get_instance(instance_id).vpc_id
        for group_id in new_group_id_list:
            group = self.get_security_group_from_id(group_id)
            if group is None or group.vpc_id != vpc_id:
                refuse("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist in VPC '{vpc_id}'")
        return original(self, instance_id, new_group_id_list)

    @around(EC2Response, "delete_security_group")
    def delete_security_group(original, self):
        """AWS keeps a group that is the default, is worn by an interface, or is
        named in a rule of another group."""
        backend, group_id = self.ec2_backend, self._get_param("GroupId")
        group = backend.get_security_group_from_id(group_id) if group_id else None
        if group is None:
            return original(self)
        if group.is_default:
            refuse(
                "CannotDelete",
                f'the specified group: "{group_id}" name: "{group.name}" cannot be deleted by a user',
            )
        worn = any(group in eni.group_set for eni in backend.enis.values())
        named = any(
            refers_to(rule, group_id)
            for other in all_groups(backend)
            if other is not group
            for rule in other.ingress_rules + other.egress_rules
        )
        if worn or named:
            refuse("DependencyViolation", f"resource {group_id} has a dependent object")
        return original(self)

    def guard(direction):
        @around(EC2Backend, f"authorize_security_group_{direction}")
        def authorize(original, self, group_name_or_id, ip_protocol, from_port, to_port, *args, **kwargs):
            sources = kwargs.get("source_groups")
            if kwargs.get("prefix_list_ids"):
                raise NotEmulated("prefix lists in security group rules")
            check_rule(self, group_name_or_id, ip_protocol, from_port, to_port, sources)
            return original(self, group_name_or_id, ip_protocol, from_port, to_port, *args, **kwargs)

    guard("ingress")
    guard("egress")

    @around(EC2Backend, "delete_vpc")
    def delete_vpc(original, self, vpc_id):
        """AWS keeps a VPC with groups of the user's own, an internet gateway, or a NAT gateway."""
        self.get_vpc(vpc_id)
        own_groups = [g for g in all_groups(self) if g.vpc_id == vpc_id and not g.is_default]
        gateways = [g for g in self.internet_gateways.values() if g.vpc and g.vpc.id == vpc_id]
        nats = [n for n in self.nat_gateways.values() if n.vpc_id == vpc_id and n.state != "deleted"]
        if own_groups or gateways or nats:
            refuse("DependencyViolation", f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
        return original(self, vpc_id)
