"""Network load balancers: AWS's refusals, their interfaces, their targets' health.

moto reports every target as healthy. Here the lab's hypervisor probes the
targets of the hosts that really run, and tells what it sees: see gateway.py.
"""

import re

from moto.core.exceptions import ServiceException
from moto.elbv2 import models
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeLoadBalancer, FakeTargetGroup

from .errors import NotEmulated
from .patch import around

# States of targets by target group and target, as reported. They are no part of
# the journal: a probe after a restart tells them again.
health = {}

REASONS = {
    "initial": ("Elb.InitialHealthChecking", "Initial health checks in progress"),
    "unhealthy": ("Target.FailedHealthChecks", "Health checks failed"),
}
NAME = re.compile(r"(?!internal-)[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?")


class Refused(ServiceException):
    def __init__(self, code, message):
        self.code = code
        super().__init__(message)


def refuse(code, message):
    raise Refused(code, message)


def interfaces(backend, balancer):
    about = f"ELB {balancer.arn.split(':loadbalancer/')[1]}"
    return [eni for eni in backend.ec2_backend.enis.values() if eni.description == about]


def install():
    @around(models, "make_arn_for_load_balancer")
    def make_arn_for_load_balancer(original, **kwargs):
        return original(**kwargs).replace(":loadbalancer/app/", ":loadbalancer/net/")

    @around(ELBv2Backend, "create_load_balancer")
    def create_load_balancer(original, self, name, security_groups, subnet_ids, *args, **kwargs):
        """AWS gives a balancer an interface in each of its subnets."""
        if kwargs.get("loadbalancer_type") != "network":
            raise NotEmulated("load balancers other than network ones")
        if kwargs.get("scheme") != "internal":
            raise NotEmulated("a load balancer that faces the internet")
        if kwargs.get("subnet_mappings"):
            raise NotEmulated("subnet mappings of a load balancer")
        if not NAME.fullmatch(name):
            refuse("ValidationError", f"The load balancer name '{name}' is invalid")
        if any(balancer.name == name for balancer in self.load_balancers.values()):
            refuse("DuplicateLoadBalancerName", "A load balancer with the same name exists")
        subnets = [self.ec2_backend.get_subnet(subnet) for subnet in subnet_ids]
        if len({subnet.availability_zone for subnet in subnets}) != len(subnets):
            refuse("InvalidConfigurationRequest", "A load balancer cannot be attached to multiple subnets in the same Availability Zone")
        groups = [self.ec2_backend.get_security_group_from_id(group) for group in security_groups or []]
        if any(group is None or group.vpc_id != subnets[0].vpc_id for group in groups):
            refuse("InvalidSecurityGroup", "One or more security groups are invalid")
        balancer = original(self, name, security_groups, subnet_ids, *args, **kwargs)
        balancer.state = "active"
        balancer.dns_name = f"{name}-{balancer.arn[-16:]}.elb.{self.region_name}.amazonaws.com"
        for subnet in subnets:
            eni = self.ec2_backend.create_network_interface(subnet, None, group_ids=list(security_groups or []))
            eni.description = f"ELB {balancer.arn.split(':loadbalancer/')[1]}"
            eni.status = "in-use"
        return balancer

    @around(ELBv2Backend, "delete_load_balancer")
    def delete_load_balancer(original, self, arn):
        balancer = self.load_balancers.get(arn)
        if balancer is None:
            return  # AWS takes it for done
        if str(balancer.attrs.get("deletion_protection.enabled")).lower() == "true":
            refuse("OperationNotPermitted", f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled")
        for eni in interfaces(self, balancer):
            del self.ec2_backend.enis[eni.id]
        original(self, arn)

    @around(ELBv2Backend, "set_security_groups")
    def set_security_groups(original, self, arn, sec_groups):
        """AWS changes the groups of a balancer that has some, and cannot add the first."""
        balancer = self.load_balancers[arn]
        if bool(balancer.security_groups) != bool(sec_groups):
            refuse("InvalidConfigurationRequest", "You cannot add or remove all security groups of a Network Load Balancer")
        original(self, arn, sec_groups)
        for eni in interfaces(self, balancer):
            eni._group_set = [self.ec2_backend.get_security_group_from_id(group) for group in sec_groups]

    @around(ELBv2Backend, "create_listener")
    def create_listener(original, self, load_balancer_arn, protocol, port, *args, **kwargs):
        if protocol != "TCP":
            raise NotEmulated(f"listeners for {protocol}")
        balancer = self.load_balancers.get(load_balancer_arn)
        if balancer and any(str(listener.port) == str(port) for listener in balancer.listeners.values()):
            refuse("DuplicateListener", "A listener already exists on this port for this load balancer")
        return original(self, load_balancer_arn, protocol, port, *args, **kwargs)

    @around(FakeTargetGroup, "__init__")
    def target_group(original, self, *args, **kwargs):
        original(self, *args, **kwargs)
        # What AWS says of a group of TCP with instances.
        self.attributes.setdefault("preserve_client_ip.enabled", "true")
        self.attributes.setdefault("proxy_protocol_v2.enabled", "false")
        self.attributes.setdefault("deregistration_delay.connection_termination.enabled", "false")

    @around(FakeTargetGroup, "register")
    def register(original, self, targets):
        for target in targets:
            if self.target_type != "instance":
                raise NotEmulated("targets other than instances")
            instance = self.ec2_backend.get_instance_by_id(target["Id"])
            if instance is None or instance.state == "terminated":
                refuse("InvalidTarget", f"The following targets are not valid instances: '{target['Id']}'")
            if instance.vpc_id != self.vpc_id:
                refuse("InvalidTarget", f"The following targets are not in the target group VPC '{self.vpc_id}': '{target['Id']}'")
        return original(self, targets)

    @around(FakeTargetGroup, "health_for")
    def health_for(original, self, target, ec2_backend):
        status = original(self, target, ec2_backend)
        if status.status != "healthy":
            return status
        state = health.get(self.arn, {}).get(target["Id"], "initial")
        if not self.load_balancer_arns:
            return FakeHealthStatus(target["Id"], status.port, status.health_check_port, "unused", "Target.NotInUse",
                                    "Target group is not configured to receive traffic from the load balancer")
        return FakeHealthStatus(target["Id"], status.port, status.health_check_port, state, *REASONS.get(state, ()))

    # moto gives every balancer one example zone; the lab's is AWS's own for
    # network load balancers in us-east-1.
    @around(FakeLoadBalancer, "__init__")
    def balancer_init(original, self, *args, **kwargs):
        original(self, *args, **kwargs)
        self.canonical_hosted_zone_id = "Z26RNL4JYFTOTI"


def report(states):
    """Take over what the hypervisor saw: {group: {target: state}}."""
    health.clear()
    health.update(states)
