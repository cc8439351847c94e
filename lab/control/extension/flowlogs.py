"""VPC flow logs: AWS's refusals. Nothing is written to them here."""

from moto.ec2.models import EC2Backend
from moto.iam.models import iam_backends

from .errors import NotEmulated, refuse
from .patch import around


def group_of(destination):
    """The name of the log group that an ARN ends in."""
    return destination.split(":log-group:", 1)[1].removesuffix(":*")


def install():
    @around(EC2Backend, "create_flow_logs")
    def create_flow_logs(original, self, resource_type, resource_ids, traffic_type, deliver_logs_permission_arn,
                         log_destination_type, log_destination, log_group_name, *args, **kwargs):
        """moto knows a log group by its name alone, where AWS takes its ARN as
        well, and it asks nobody for the role that AWS would write as."""
        if resource_type != "VPC" or log_destination_type not in ("cloud-watch-logs", "s3"):
            raise NotEmulated(f"flow logs of a {resource_type} to {log_destination_type}")
        if log_destination_type == "s3" and deliver_logs_permission_arn:
            refuse("InvalidParameter", "DeliverLogsPermissionArn is not applicable for S3 delivery")
        if log_destination_type == "cloud-watch-logs":
            roles = iam_backends[self.account_id][self.partition].roles.values()
            if deliver_logs_permission_arn not in [role.arn for role in roles]:
                refuse("InvalidParameter", f"Access Denied for LogDestination: the role {deliver_logs_permission_arn} does not exist")
            log_group_name = log_group_name or group_of(log_destination)
        return original(self, resource_type, resource_ids, traffic_type, deliver_logs_permission_arn,
                        log_destination_type, log_destination, log_group_name, *args, **kwargs)

    @around(EC2Backend, "delete_vpc")
    def delete_vpc(original, self, vpc_id):
        """AWS ends a VPC's flow logs with it."""
        result = original(self, vpc_id)
        for log in [log for log in self.flow_logs.values() if log.resource_id == vpc_id]:
            del self.flow_logs[log.id]
        return result
