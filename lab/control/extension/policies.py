"""Bucket policies: the one condition that stacks' state needs.

moto takes a Deny whose condition does not hold for a Deny all the same.
"""

import json

from moto.iam.access_control import IAMPolicyStatement, PermissionResult
from moto.s3.models import S3Backend

from .patch import around

# The API is on loopback and speaks plain HTTP; it stands for AWS's, which a
# client reaches by TLS.
CONTEXT = {"aws:SecureTransport": "true"}


def holds(condition):
    """Whether a condition is met, for those that check_policy lets through."""
    return all(CONTEXT[key] == str(value).lower() for key, value in condition["Bool"].items())


def known(condition):
    return set(condition) == {"Bool"} and set(condition["Bool"]) <= set(CONTEXT)


def statements(text):
    found = json.loads(text)["Statement"]
    return found if isinstance(found, list) else [found]


def install():
    @around(S3Backend, "put_bucket_policy")
    def put_bucket_policy(original, self, bucket_name, policy):
        for statement in statements(policy):
            condition = statement.get("Condition")
            if condition and not known(condition):
                raise NotImplementedError(f"the condition {json.dumps(condition)} in a bucket policy")
        return original(self, bucket_name, policy)

    @around(IAMPolicyStatement, "is_action_permitted")
    def is_action_permitted(original, self, *args, **kwargs):
        condition = self._statement.get("Condition")
        if not condition or not known(condition):
            return original(self, *args, **kwargs)
        if not holds(condition):
            return PermissionResult.NEUTRAL
        unconditional = IAMPolicyStatement({k: v for k, v in self._statement.items() if k != "Condition"})
        return original(unconditional, *args, **kwargs)
