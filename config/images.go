package config

import (
	"fmt"
	"strings"
)

// The public parameters under which the makers of an image publish its id.
// Sources: Canonical, "Find Ubuntu images on AWS"; AWS, "Launch AL2023 using
// the SSM parameter".
const (
	ubuntuParameter      = "/aws/service/canonical/ubuntu/server/24.04/stable/current/%s/hvm/ebs-gp3/ami-id"
	amazonLinuxParameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-%s"
)

// BaseImage is the image that is there before the stack: brokers.image, or what
// the golden image is made from.
func (s Stack) BaseImage() string {
	if s.Brokers.Image == ImageGolden {
		return s.Hosts.Golden.Base
	}
	return s.Brokers.Image
}

// GoldenImage is the name in EC2 of the golden image for an architecture. Names
// of images are known in a whole region.
func (s Stack) GoldenImage(architecture string) string {
	return s.Name + "-golden-" + s.Hosts.Golden.Name + "-" + architecture
}

// ImageID is the image that hosts of an architecture ("amd64" or "arm64") boot
// from; "" where it is the newest one, whose id ImageParameter holds.
func (s Stack) ImageID(architecture string) string {
	if strings.HasPrefix(s.Brokers.Image, "ami-") {
		return s.Brokers.Image
	}
	return s.Hosts.AMIs[architecture]
}

// ImageParameter is the SSM parameter that holds the id of the image that hosts
// of an architecture boot from; "" where the stack file says the id.
func (s Stack) ImageParameter(architecture string) string {
	if s.ImageID(architecture) != "" {
		return ""
	}
	return NewestImage(s.BaseImage(), architecture)
}

// NewestImage is the SSM parameter that holds the id of the newest image of a
// name that brokers.image takes; "" where it is no name.
func NewestImage(image, architecture string) string {
	switch image {
	case ImageUbuntu:
		return fmt.Sprintf(ubuntuParameter, architecture)
	case ImageAmazonLinux:
		if architecture == "amd64" {
			architecture = "x86_64" // Amazon's own name for it
		}
		return fmt.Sprintf(amazonLinuxParameter, architecture)
	}
	return ""
}

// RootDevice is the name of the root device of the base image.
func (s Stack) RootDevice() string {
	if s.BaseImage() == ImageAmazonLinux {
		return "/dev/xvda"
	}
	return "/dev/sda1"
}

// images refuses pins that nothing would boot from.
func (r *reader) images() {
	s := r.stack
	if !r.sound("brokers.image", "hosts.ami", "hosts.golden.name", "hosts.golden.base") {
		return
	}
	r.golden()
	used := map[string]bool{}
	for _, instanceType := range s.InstanceTypes() {
		used[Architecture(instanceType)] = true
	}
	for _, architecture := range sortedKeys(s.Hosts.AMIs) {
		key := Namespace + ":hosts.ami." + architecture
		switch {
		case strings.HasPrefix(s.Brokers.Image, "ami-"):
			r.problem(key, s.Hosts.AMIs[architecture], "pins brokers.image, which is an AMI id already", "it in one of the two places")
		case !used[architecture]:
			r.problem(key, s.Hosts.AMIs[architecture], "pins an image for "+architecture+", and no host is "+architecture, "pins for the architectures that hosts have")
		}
	}
}

// golden refuses a golden image that is not baked, and one whose base is not
// that of the hosts: who logs in depends on it.
func (r *reader) golden() {
	image, golden := r.stack.Brokers.Image, r.stack.Hosts.Golden
	switch {
	case image == ImageGolden && golden.Name == "":
		r.problem(Namespace+":hosts.golden.name", nil, "is missing, and brokers.image is golden", "a name for the image that is baked, such as 2026-11")
	case image != ImageGolden && golden.Name != "" && image != golden.Base:
		r.problem(Namespace+":hosts.golden.base", golden.Base, "is another system than brokers.image, "+image+", and who logs in depends on it", image+", or brokers.image: golden")
	}
}
