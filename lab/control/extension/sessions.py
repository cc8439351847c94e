"""Session Manager: sessions to ports of the hosts that really run.

moto has no sessions. Which agents are connected the lab's hypervisor sees, and it
carries the sessions: see lab/hypervisor/agents.go and sessions.go. Here is who may
have one, and what AWS refuses.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.models import iam_backends
from moto.ssm.responses import SimpleSystemManagerResponse

from .errors import NotEmulated
from .patch import add

# What the hypervisor reported last. It is no part of the journal: the next report
# tells it again.
carrier = {"stream": "", "secret": "", "online": []}

DOCUMENT = "AWS-StartSSHSession"  # a stream to a port of the instance
PORT = re.compile(r"[1-9][0-9]{0,4}")
NEEDED = (  # of the instance's role, for its agent to be connected
    "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel", "ssm:UpdateInstanceInformation",
)


class Refused(ServiceException):
    def __init__(self, code, message):
        self.code = code
        super().__init__(message)


def report(seen):
    carrier.update(seen)


def documents(role):
    """The texts of a role's policies."""
    for text in role.policies.values():
        yield text
    for policy in role.managed_policies.values():
        yield next(version.document for version in policy.versions if version.is_default)


def may_connect(instance, region):
    """Whether the instance's role lets its agent connect."""
    associations = ec2_backends[DEFAULT_ACCOUNT_ID][region].iam_instance_profile_associations
    profiles = [a.iam_instance_profile.arn for a in associations.values() if a.instance.id == instance.id]
    backend = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
    roles = [r for p in backend.instance_profiles.values() if p.arn in profiles for r in p.roles]
    policies = [IAMPolicy(text) for role in roles for text in documents(role)]
    own = f"arn:aws:ec2:{region}:{DEFAULT_ACCOUNT_ID}:instance/{instance.id}"
    for action in NEEDED:
        resource = own if action.startswith("ssm:") else "*"
        results = [policy.is_action_permitted(action, resource) for policy in policies]
        if PermissionResult.DENIED in results or PermissionResult.PERMITTED not in results:
            return False
    return True


def token(session, instance, port):
    """What the carrier knows the session by."""
    body = base64.b64encode(json.dumps({"session": session, "instance": instance, "port": port}).encode())
    return f"{body.decode()}.{hmac.new(bytes.fromhex(carrier['secret']), body, hashlib.sha256).hexdigest()}"


def install():
    @add(SimpleSystemManagerResponse)
    def start_session(self):
        target, document = self._get_param("Target"), self._get_param("DocumentName")
        if document != DOCUMENT:
            raise NotEmulated(f"sessions of the document {document}")
        parameters = self._get_param("Parameters") or {}
        ports = parameters.get("portNumber", ["22"])
        if set(parameters) - {"portNumber"} or len(ports) != 1 or not PORT.fullmatch(ports[0]) or int(ports[0]) > 65535:
            raise Refused("InvalidParameters", "The parameters of the document are not valid")
        instance = ec2_backends[DEFAULT_ACCOUNT_ID][self.region].get_instance_by_id(target)
        if instance is None or target not in carrier["online"] or not may_connect(instance, self.region):
            raise Refused("TargetNotConnected", f"{target} is not connected.")
        session = f"kraftstack-{secrets.token_hex(9)}"  # moto's own numbers belong to the journal
        return ActionResult({
            "SessionId": session, "TokenValue": token(session, target, int(ports[0])),
            "StreamUrl": f"{carrier['stream']}/v1/data-channel/{session}?role=publish_subscribe",
        })
