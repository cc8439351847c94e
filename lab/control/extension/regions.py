"""Regions: which are in use, and the same ids in each of them after a replay."""

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.base_backend import AccountSpecificBackend
from moto.ec2.models import ec2_backends
from moto.moto_api._internal import mock_random

from .patch import around


def regions_in_use():
    """Regions with a VPC of the user's own, or with instances."""
    return sorted(
        region
        for region, backend in ec2_backends[DEFAULT_ACCOUNT_ID].items()
        if backend.reservations or any(not vpc.is_default for vpc in backend.vpcs.values())
    )


def install(lab):
    @around(AccountSpecificBackend, "__getitem__")
    def getitem(original, self, region):
        """moto makes a region, with its default VPC, at the first touch, even by
        a read, which is not in the journal: the numbers must not depend on when."""
        if region in self.keys():
            return original(self, region)
        state = mock_random.getstate()
        mock_random.seed(f"{lab}/{self.service_name}/{self.account_id}/{region}")
        try:
            return original(self, region)
        finally:
            mock_random.setstate(state)
