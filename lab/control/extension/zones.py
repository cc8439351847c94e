"""Route 53: private zones, and changes of records as AWS checks them."""

import ipaddress

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.route53.exceptions import Route53ClientError
from moto.route53.models import Route53Backend
from moto.route53.responses import Route53

from .patch import around


def refuse(code, message):
    raise Route53ClientError(code, message)


def full(name):
    return name.rstrip(".") + "."


def check_vpc(vpc_id, region):
    if vpc_id and vpc_id not in ec2_backends[DEFAULT_ACCOUNT_ID][region or "us-east-1"].vpcs:
        refuse("InvalidVPCId", f"The VPC {vpc_id} in region {region} does not exist or is not yours.")


def values_of(record_set):
    return sorted(record["Value"] for record in record_set.get("ResourceRecords") or [])


def check_change(zone, change):
    """One change against the zone as it is; returns AWS's complaint or None."""
    wanted = change["ResourceRecordSet"]
    name, kind = full(wanted["Name"]), wanted["Type"]
    what = f"resource record set [name='{name}', type='{kind}']"
    found = [
        r
        for r in zone.rrsets
        if full(r.name) == name and r.type == kind and r.set_identifier == wanted.get("SetIdentifier")
    ]
    if change["Action"] == "CREATE" and found:
        return f"Tried to create {what} but it already exists"
    if change["Action"] == "DELETE":
        if not found:
            return f"Tried to delete {what} but it was not found"
        if "AliasTarget" not in wanted and sorted(found[0].records or []) != values_of(wanted):
            return f"Tried to delete {what} but the values provided do not match the current values"
    if change["Action"] != "DELETE" and kind == "A":
        for value in values_of(wanted):
            try:
                ipaddress.IPv4Address(value)
            except ValueError:
                return f"Invalid Resource Record: Value is not a valid IPv4 address: '{value}'"
    return None


def install():
    @around(Route53, "create_hosted_zone")
    def asked_zone(original, self):
        """AWS makes a zone with a VPC private, whatever else is said."""
        if self._get_param("VPC.VPCId"):
            ask = self._get_bool_param
            self._get_bool_param = lambda name, *default: (
                name == "HostedZoneConfig.PrivateZone" or ask(name, *default)
            )
        return original(self)

    @around(Route53Backend, "create_hosted_zone")
    def create_hosted_zone(
        original, self, name, private_zone, caller_reference=None, vpcid=None, vpcregion=None, **kwargs
    ):
        """AWS checks the VPC, and takes a caller reference once."""
        if any(caller_reference and z.caller_reference == caller_reference for z in self.zones.values()):
            refuse(
                "HostedZoneAlreadyExists",
                f"A hosted zone has already been created with the caller reference {caller_reference}",
            )
        check_vpc(vpcid, vpcregion)
        if vpcid and any(
            full(z.name) == full(name) and any(v.get("vpc_id") == vpcid for v in z.vpcs) for z in self.zones.values()
        ):
            refuse("ConflictingDomainExists", f"The VPC {vpcid} is already associated with a hosted zone named {name}")
        return original(self, name, private_zone, caller_reference, vpcid, vpcregion, **kwargs)

    @around(Route53Backend, "associate_vpc_with_hosted_zone")
    def associate_vpc_with_hosted_zone(original, self, zone_id, vpcid, vpcregion):
        check_vpc(vpcid, vpcregion)
        zone = self.get_hosted_zone(zone_id)
        if any(v.get("vpc_id") == vpcid for v in zone.vpcs):
            return zone
        return original(self, zone_id, vpcid, vpcregion)

    @around(Route53Backend, "change_resource_record_sets")
    def change_resource_record_sets(original, self, zoneid, change_list):
        """AWS checks a batch against the zone as it is, and applies all or nothing."""
        zone = self.get_hosted_zone(zoneid)
        complaints = [c for c in (check_change(zone, change) for change in change_list) if c]
        if complaints:
            refuse("InvalidChangeBatch", "[" + ", ".join(complaints) + "]")
        for change in change_list:
            if change["Action"] == "DELETE":
                # moto compares with any value that the record ever had.
                zone.rr_changes.append({"Action": "UPSERT", "ResourceRecordSet": change["ResourceRecordSet"]})
        return original(self, zoneid, change_list)
