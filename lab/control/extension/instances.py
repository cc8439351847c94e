"""RunInstances and changes of instances: AWS's refusals and its idempotence."""

import base64
import json

from moto.ec2.models import EC2Backend
from moto.ec2.responses import EC2Response

from .addresses import check_room
from .errors import NotEmulated, refuse
from .patch import around

USER_DATA_LIMIT = 16 * 1024  # bytes before base64
NO_TOKEN = "ABCDE"  # what moto puts in the place of a missing client token


def wants_public_address(backend, kwargs):
    """Whether the call asks for an automatic public address, openly or through its subnet."""
    for nic in kwargs.get("nics") or []:
        if "AssociatePublicIpAddress" in nic:
            return str(nic["AssociatePublicIpAddress"]).lower() == "true"
    if kwargs.get("associate_public_ip") is not None:
        return str(kwargs["associate_public_ip"]).lower() == "true"
    subnet = subnet_of(kwargs)
    return subnet is None or backend.get_subnet(subnet).map_public_ip_on_launch


def subnet_of(kwargs):
    nics = kwargs.get("nics") or [{}]
    return kwargs.get("subnet_id") or nics[0].get("SubnetId")


def check_architecture(backend, image_id, type_name):
    image = backend.describe_images(ami_ids=[image_id])[0]
    found = backend.describe_instance_types([type_name])
    offered = found[0]["ProcessorInfo"]["SupportedArchitectures"] if found else []
    if offered and image.architecture not in offered:
        refuse(
            "InvalidParameterValue",
            f"The architecture '{','.join(offered)}' of the specified instance type does not match the "
            f"architecture '{image.architecture}' of the specified AMI. Specify an instance type and an "
            "AMI that have matching architectures, and try again.",
        )


def check_groups(backend, kwargs):
    """AWS refuses groups of another VPC."""
    subnet = subnet_of(kwargs)
    if subnet is None:
        return
    vpc_id = backend.get_subnet(subnet).vpc_id
    wanted = list(kwargs.get("security_group_ids") or [])
    for nic in kwargs.get("nics") or []:
        wanted += nic.get("Groups") or []
    for group_id in wanted:
        group = backend.get_security_group_from_id(group_id)
        if group is None:
            refuse("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
        if group.vpc_id != vpc_id:
            refuse(
                "InvalidParameter",
                f"Security group {group_id} and subnet {subnet} belong to different networks.",
            )


def install():
    @around(EC2Backend, "run_instances")
    def run_instances(original, self, image_id, count, user_data, security_group_names, **kwargs):
        if user_data and len(base64.b64decode(str(user_data))) > USER_DATA_LIMIT:
            refuse("InvalidParameterValue", f"User data is limited to {USER_DATA_LIMIT} bytes")
        check_architecture(self, image_id, kwargs["instance_type"])
        if wants_public_address(self, kwargs):
            raise NotEmulated("automatic public addresses; associate an Elastic IP instead")
        check_groups(self, kwargs)
        if subnet_of(kwargs):
            check_room(self.get_subnet(subnet_of(kwargs)), count)
        return original(self, image_id, count, user_data, security_group_names, **kwargs)

    @around(EC2Response, "run_instances")
    def run_once(original, self):
        """AWS gives the same instances for the same client token, and refuses
        the token with other parameters; moto launches again."""
        if self._get_param("MinCount") != self._get_param("MaxCount"):
            raise NotEmulated("launching as many instances as there is room for")
        token = self._get_param("ClientToken", NO_TOKEN)
        if token == NO_TOKEN:
            return original(self)
        tokens = self.ec2_backend.__dict__.setdefault("lab_client_tokens", {})
        asked = json.dumps({k: v for k, v in self.data.items()}, sort_keys=True, default=str)
        if token in tokens:
            first, result = tokens[token]
            if first != asked:
                refuse(
                    "IdempotentParameterMismatch",
                    "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
                )
            return result
        result = original(self)
        tokens[token] = (asked, result)
        return result

    @around(EC2Response, "modify_instance_attribute")
    def modify_instance_attribute(original, self):
        """AWS changes type and user data of a stopped instance only."""
        asked = {self._get_param("Attribute")} | {
            name for name in ("InstanceType", "UserData", "EbsOptimized") if self._get_param(name) is not None
        }
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        if instance.state != "stopped" and asked & {
            "InstanceType", "UserData", "EbsOptimized", "instanceType", "userData", "ebsOptimized",
        }:
            refuse("IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'stopped' state.")
        return original(self)

    @around(EC2Response, "create_key_pair")
    def create_key_pair(original, self):
        raise NotEmulated("CreateKeyPair: the same key could not be brought back; import one")

    def only_from(action, states):
        @around(EC2Backend, action)
        def checked(original, self, instance_ids):
            for instance in self.get_multi_instances_by_id(instance_ids):
                if instance.state not in states:
                    refuse(
                        "IncorrectInstanceState",
                        f"The instance '{instance.id}' is not in a state from which it can be started or stopped.",
                    )
            return original(self, instance_ids)

    only_from("start_instances", ("running", "stopped"))
    only_from("stop_instances", ("running", "stopped"))
