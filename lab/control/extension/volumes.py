"""EBS volumes: AWS's rules on size, speed and attachment."""

import re

from moto.ec2.models import EC2Backend
from moto.ec2.models.instances import Instance

from .errors import refuse
from .patch import around

# gp3: what a volume has without asking, the most, and how they hang together.
GP3_IOPS, GP3_MOST_IOPS, GP3_IOPS_PER_GIB = 3000, 80000, 500
GP3_THROUGHPUT, GP3_MOST_THROUGHPUT, GP3_THROUGHPUT_PER_IOPS = 125, 2000, 0.25
GP3_MOST_GIB = 65536
DEVICE = re.compile(r"(/dev/)?(sd[a-z][1-9]?[0-9]?|xvd[a-z]{1,2}[1-9]?)")


def bad(message):
    refuse("InvalidParameterValue", message)


def check_gp3(size, iops, throughput):
    iops, throughput = iops or GP3_IOPS, throughput or GP3_THROUGHPUT
    if size is not None and not 1 <= size <= GP3_MOST_GIB:
        bad(f"Volume of {size}GiB is out of range for volume type gp3: 1 to {GP3_MOST_GIB}.")
    if not GP3_IOPS <= iops <= GP3_MOST_IOPS:
        bad(f"Volume iops of {iops} is out of range for volume type gp3: {GP3_IOPS} to {GP3_MOST_IOPS}.")
    if size and iops > GP3_IOPS and iops > size * GP3_IOPS_PER_GIB:
        bad(f"Iops to volume size ratio of {iops / size:f} is too high; maximum is {GP3_IOPS_PER_GIB}")
    if not GP3_THROUGHPUT <= throughput <= GP3_MOST_THROUGHPUT:
        bad(
            f"Volume throughput of {throughput} is out of range for volume type gp3: "
            f"{GP3_THROUGHPUT} to {GP3_MOST_THROUGHPUT}."
        )
    if throughput > iops * GP3_THROUGHPUT_PER_IOPS:
        bad(f"Throughput (MiBps) to iops ratio of {throughput / iops:f} is too high; maximum is 0.250000.")


def number(value):
    return int(value) if value is not None else None


def check_attach(backend, volume, instance, device):
    if volume.attachment is not None:
        refuse("VolumeInUse", f"{volume.id} is already attached to an instance")
    if instance.state not in ("running", "stopped"):
        refuse("IncorrectState", f"Instance '{instance.id}' is not 'running'.")
    if volume.availability_zone != instance.availability_zone:
        refuse(
            "InvalidVolume.ZoneMismatch",
            f"The volume '{volume.id}' is not in the same availability zone as instance '{instance.id}'",
        )
    if not DEVICE.fullmatch(device or ""):
        bad(f"Value ({device}) for parameter device is invalid. {device} is not a valid EBS device name.")
    if device in instance.block_device_mapping:
        bad(f"Invalid value '{device}' for unixDevice. Attachment point {device} is already in use")


def install():
    @around(EC2Backend, "create_volume")
    def create_volume(original, self, size, zone_name, *args, **kwargs):
        size = number(size)
        if kwargs.get("volume_type") == "gp3":
            check_gp3(size, number(kwargs.get("iops")), number(kwargs.get("throughput")))
        volume = original(self, size, zone_name, *args, **kwargs)
        if volume.volume_type == "gp3" and not volume.throughput:
            volume.throughput = GP3_THROUGHPUT  # AWS says what a gp3 volume has without asking
        return volume

    @around(EC2Backend, "modify_volume")
    def modify_volume(original, self, volume_id, target_size=None, target_volume_type=None,
                      target_iops=None, target_throughput=None, target_multi_attach_enabled=None):
        """AWS never shrinks a volume."""
        volume = self.get_volume(volume_id)
        if target_size is not None and int(target_size) < int(volume.size):
            bad("New size cannot be smaller than existing size")
        if (target_volume_type or volume.volume_type) == "gp3":
            check_gp3(
                number(target_size or volume.size),
                number(target_iops or volume.iops),
                number(target_throughput or volume.throughput),
            )
        return original(self, volume_id, target_size, target_volume_type, target_iops,
                        target_throughput, target_multi_attach_enabled)

    @around(EC2Backend, "attach_volume")
    def attach_volume(original, self, volume_id, instance_id, device_path, delete_on_termination=False):
        volume, instance = self.get_volume(volume_id), self.get_instance(instance_id)
        check_attach(self, volume, instance, device_path)
        return original(self, volume_id, instance_id, device_path, delete_on_termination)

    @around(EC2Backend, "detach_volume")
    def detach_volume(original, self, volume_id, instance_id=None, device_path=None):
        """AWS finds the instance itself, and keeps a running instance's root volume."""
        volume = self.get_volume(volume_id)
        if volume.attachment is None:
            refuse("IncorrectState", f"Volume '{volume_id}' is in the 'available' state.")
        instance = volume.attachment.instance
        if instance_id and instance_id != instance.id:
            refuse("InvalidAttachment.NotFound", f"The volume '{volume_id}' is not attached to '{instance_id}'")
        if device_path and device_path != volume.attachment.device:
            refuse("InvalidAttachment.NotFound", f"The volume '{volume_id}' is not attached as '{device_path}'")
        root = volume.attachment.device == instance.root_device_name
        if root and instance.state == "running" and not getattr(instance, "lab_terminating", False):
            refuse(
                "OperationNotPermitted",
                f"Unable to detach root volume '{volume_id}' from instance '{instance.id}'",
            )
        return original(self, volume_id, instance.id, volume.attachment.device)

    @around(Instance, "teardown_defaults")
    def teardown_defaults(original, self):
        self.lab_terminating = True
        return original(self)
