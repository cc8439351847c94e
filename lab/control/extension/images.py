"""The public SSM parameters that name today's images.

Ubuntu's are missing in moto; Amazon's point to images that the lab does not
have. The values are the images of amis.json.
"""

import time

from moto.ssm.models import Parameter, ParameterDict

from .patch import around

UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/{}/hvm/ebs-gp3/ami-id"
AMAZON = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-{}-{}"
IMAGES = {
    UBUNTU.format("amd64"): "ami-0123456789abcdef0",
    UBUNTU.format("arm64"): "ami-0123456789abcdef1",
    AMAZON.format("default", "x86_64"): "ami-0123456789abcdef2",
    AMAZON.format("default", "arm64"): "ami-0123456789abcdef3",
    AMAZON.format("6.1", "x86_64"): "ami-0123456789abcdef2",
    AMAZON.format("6.1", "arm64"): "ami-0123456789abcdef3",
}
TREES = ("/aws/service/canonical", "/aws/service/ami-amazon-linux-latest")


def install():
    @around(ParameterDict, "_check_loading_status")
    def check_loading_status(original, self, key):
        if not str(key or "").startswith(TREES):
            return original(self, key)
        if getattr(self, "lab_images", False):
            return None
        self.lab_images = True
        for name, image in IMAGES.items():
            parameter = Parameter(
                account_id=self.account_id,
                name=name,
                value=image,
                parameter_type="String",
                description=None,
                allowed_pattern=None,
                keyid=None,
                last_modified_date=time.time(),
                version=1,
                data_type="aws:ec2:image",
            )
            dict.__setitem__(self, name, [parameter])
        return None
