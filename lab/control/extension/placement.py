"""Placement groups, which moto does not have."""

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.responses import EC2Response
from moto.ec2.utils import random_id

from .errors import NotEmulated, refuse
from .patch import add, around

SPREAD_LIMIT = 7  # running instances per zone in a spread group


def groups_of(backend):
    return backend.__dict__.setdefault("lab_placement_groups", {})


def members(backend, name):
    return [
        instance
        for instance in backend.all_instances()
        if instance.placement.group_name == name and instance.state != "terminated"
    ]


def check_room(backend, name, zone, count):
    """AWS refuses an unknown group, and the eighth member of a zone."""
    group = groups_of(backend).get(name)
    if group is None:
        refuse("InvalidPlacementGroup.Unknown", f"The Placement Group '{name}' is unknown.")
    here = [i for i in members(backend, name) if i.availability_zone == zone]
    if group["Strategy"] == "spread" and len(here) + count > SPREAD_LIMIT:
        refuse(
            "InsufficientInstanceCapacity",
            f"The spread placement group '{name}' holds at most {SPREAD_LIMIT} running instances in {zone}.",
        )


def install():
    @add(EC2Response)
    def create_placement_group(self):
        self.error_on_dryrun()
        name, groups = self._get_param("GroupName"), groups_of(self.ec2_backend)
        strategy = self._get_param("Strategy") or "cluster"
        if strategy not in ("cluster", "spread"):
            raise NotEmulated(f"placement strategy {strategy}")
        if name in groups:
            refuse("InvalidPlacementGroup.Duplicate", f"The placement group '{name}' already exists.")
        group = {
            "GroupName": name,
            "Strategy": strategy,
            "State": "available",
            "GroupId": random_id("pg"),
            "SpreadLevel": (self._get_param("SpreadLevel") or "rack") if strategy == "spread" else None,
        }
        groups[name] = group
        tags = self._parse_tag_specification().get("placement-group", {})
        if tags:
            self.ec2_backend.create_tags([group["GroupId"]], tags)
        return ActionResult({"PlacementGroup": self._lab_tagged(group)})

    @add(EC2Response)
    def _lab_tagged(self, group):
        tags = self.ec2_backend.tags.get(group["GroupId"], {})
        return {**group, "Tags": [{"Key": k, "Value": v} for k, v in sorted(tags.items())]}

    @add(EC2Response)
    def describe_placement_groups(self):
        groups = groups_of(self.ec2_backend)
        ids = {group["GroupId"]: name for name, group in groups.items()}
        names = list(self._get_param("GroupNames", []))
        names += [ids.get(i, i) for i in self._get_param("GroupIds", [])]
        for name in names:
            if name not in groups:
                refuse("InvalidPlacementGroup.Unknown", f"The Placement Group '{name}' is unknown.")
        if self._filters_from_querystring():
            raise NotEmulated("filters of DescribePlacementGroups")
        found = [self._lab_tagged(groups[name]) for name in (names or sorted(groups))]
        return ActionResult({"PlacementGroups": found})

    @add(EC2Response)
    def delete_placement_group(self):
        name, groups = self._get_param("GroupName"), groups_of(self.ec2_backend)
        if name not in groups:
            refuse("InvalidPlacementGroup.Unknown", f"The Placement Group '{name}' is unknown.")
        if members(self.ec2_backend, name):
            refuse("InvalidPlacementGroup.InUse", f"The placement group '{name}' is in use and may not be deleted.")
        del groups[name]
        return EmptyResult()

    @around(EC2Response, "run_instances")
    def run_instances(original, self):
        """AWS keeps Placement.GroupName; moto drops it without a word."""
        name, backend = self._get_param("Placement.GroupName"), self.ec2_backend
        if not name:
            return original(self)
        nics = self._get_param("NetworkInterfaces", []) or [{}]
        subnet = self._get_param("SubnetId") or nics[0].get("SubnetId")
        zone = backend.get_subnet(subnet).availability_zone if subnet else None
        count = int(self._get_param("MinCount", if_none="1"))
        known = {i.id for i in backend.all_instances()}
        check_room(backend, name, zone, count)
        result = original(self)
        for instance in result.result.instances:
            if instance.id not in known:
                instance.placement.group_name = name
        return result
