"""Launch templates: what a launch takes from its template, as AWS does it.

moto takes image, type, key and groups, and drops the rest without a word.
"""

from moto.ec2.models import EC2Backend
from moto.ec2.responses import EC2Response

from .errors import NotEmulated, refuse
from .patch import around

# What a template of the lab may say. The rest would be dropped by moto.
KNOWN = {
    "ImageId", "InstanceType", "KeyName", "EbsOptimized", "IamInstanceProfile", "BlockDeviceMappings",
    "Monitoring", "MetadataOptions", "DisableApiTermination", "TagSpecifications", "MaintenanceOptions",
    "SecurityGroupIds", "UserData", "Placement",
}


def check_data(data):
    unknown = sorted(k for k, v in data.items() if v not in (None, [], {}) and k not in KNOWN)
    if unknown:
        raise NotEmulated(f"{', '.join(unknown)} in a launch template")


def joined(template, asked):
    """The parameters of a launch: the call's own win. Structures are taken whole,
    tags by the kind of resource that they are for."""
    both = {k: v for k, v in template.items() if v not in (None, [], {})}
    both.update({k: v for k, v in asked.items() if v not in (None, [], {})})
    tags = {spec["ResourceType"]: spec for spec in template.get("TagSpecifications") or []}
    tags.update({spec["ResourceType"]: spec for spec in asked.get("TagSpecifications") or []})
    launched = [tags[kind] for kind in sorted(tags) if kind in ("instance", "volume", "network-interface")]
    if launched:
        both["TagSpecifications"] = launched
    return both


def install():
    @around(EC2Backend, "create_launch_template")
    def create_launch_template(original, self, name, description, template_data, tag_spec):
        check_data(template_data)
        return original(self, name, description, template_data, tag_spec)

    @around(EC2Response, "create_launch_template_version")
    def create_launch_template_version(original, self):
        check_data(self._get_param("LaunchTemplateData", {}))
        return original(self)

    @around(EC2Response, "run_instances")
    def run_instances(original, self):
        asked = self._get_param("LaunchTemplate", {})
        if asked:
            version = str(asked.get("Version") or "$Default")
            if not version.startswith("$") and not version.isdigit():
                refuse("InvalidLaunchTemplateId.VersionNotFound", f"The launch template version {version} is not valid.")
            template = self.ec2_backend._get_template_from_args(asked)
            self.params = joined(template.data, self.params)
        result = original(self)
        protected = self._get_param("DisableApiTermination")
        for instance in result.result.instances:
            # moto takes the protection with ModifyInstanceAttribute only.
            instance.disable_api_termination = str(protected).lower() == "true"
            instance.lab_auto_recovery = self._get_param("MaintenanceOptions", {}).get("AutoRecovery") or "default"
        return result
