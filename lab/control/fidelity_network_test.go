package control

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	r53 "github.com/aws/aws-sdk-go-v2/service/route53/types"
)

type call = func(context.Context, *fidelity) error

func diskRows() []row {
	return []row{
		{"IOPS below gp3's", "InvalidParameterValue", volume(10, 100, 125)},
		{"IOPS above gp3's", "InvalidParameterValue", volume(1000, 80001, 125)},
		{"IOPS over the size", "InvalidParameterValue", volume(10, 6000, 125)},
		{"throughput above gp3's", "InvalidParameterValue", volume(1000, 80000, 5000)},
		{"throughput over the IOPS", "InvalidParameterValue", volume(100, 3000, 1000)},
		{"a fair gp3 volume", "", volume(100, 4000, 1000)},
		{"attach what is attached", "VolumeInUse", attach("", "/dev/sdg")},
		{"attach across zones", "InvalidVolume.ZoneMismatch", attach("us-east-1b", "/dev/sdg")},
		{"attach under a name in use", "InvalidParameterValue", attach("us-east-1a", "/dev/sdf")},
		{"attach under no device name", "InvalidParameterValue", attach("us-east-1a", "disk1")},
		{"attach another", "", attach("us-east-1a", "/dev/sdg")},
		{"delete a volume in use", "VolumeInUse", func(ctx context.Context, f *fidelity) error {
			return errOf(f.api.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: &f.volume}))
		}},
		{"shrink a volume", "InvalidParameterValue", func(ctx context.Context, f *fidelity) error {
			return errOf(f.api.ModifyVolume(ctx, &ec2.ModifyVolumeInput{VolumeId: &f.volume, Size: aws.Int32(5)}))
		}},
		{"detach the root volume", "OperationNotPermitted", detachRoot},
		{"attach to a terminated instance", "IncorrectState", func(ctx context.Context, f *fidelity) error {
			if err := terminateOther(ctx, f); err != nil {
				return err
			}
			made, err := f.api.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("us-east-1a"), Size: aws.Int32(1)})
			if err != nil {
				return err
			}
			return errOf(f.api.AttachVolume(ctx, &ec2.AttachVolumeInput{VolumeId: made.VolumeId, InstanceId: &f.other, Device: aws.String("/dev/sdf")}))
		}},
	}
}

func detachRoot(ctx context.Context, f *fidelity) error {
	got, err := f.api.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{Filters: []types.Filter{
		{Name: aws.String("attachment.instance-id"), Values: []string{f.instance}},
		{Name: aws.String("attachment.device"), Values: []string{"/dev/sda1"}}}})
	if err != nil {
		return err
	}
	return errOf(f.api.DetachVolume(ctx, &ec2.DetachVolumeInput{VolumeId: got.Volumes[0].VolumeId}))
}

func networkRows() []row {
	return []row{
		{"a /29 subnet", "InvalidSubnet.Range", subnetOf("10.1.0.64/29")},
		{"overlapping subnets", "InvalidSubnet.Conflict", subnetOf("10.1.0.0/27")},
		{"ports the wrong way round", "InvalidParameterValue", portRange(9093, 9092)},
		{"a port too high", "InvalidParameterValue", portRange(1, 70000)},
		{"a good port rule", "", portRange(8080, 8080)},
		{"the same rule twice", "InvalidPermission.Duplicate", portRange(8080, 8080)},
		{"a rule whose first answer is lost", "", ruleWithALostAnswer},
		{"no groups means the default one", "", func(ctx context.Context, f *fidelity) error {
			if err := launchWith(func(_ *fidelity, in *ec2.RunInstancesInput) { in.SecurityGroupIds = nil })(ctx, f); err != nil {
				return err
			}
			return wantGroups(ctx, f, "default")
		}},
		{"other groups replace them", "", func(ctx context.Context, f *fidelity) error {
			if err := wear(ctx, f, f.group); err != nil {
				return err
			}
			return wantGroups(ctx, f, "nodes")
		}},
		{"an unknown group", "InvalidGroup.NotFound", func(ctx context.Context, f *fidelity) error {
			return wear(ctx, f, "sg-0123456789abcdef0")
		}},
		{"a group that nobody wears any more", "", func(ctx context.Context, f *fidelity) error {
			made, err := f.api.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
				GroupName: aws.String("short"), Description: aws.String("s"), VpcId: &f.vpc})
			if err != nil {
				return err
			}
			if err := errors.Join(wear(ctx, f, *made.GroupId), wear(ctx, f, f.group)); err != nil {
				return err
			}
			return errOf(f.api.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: made.GroupId}))
		}},
		{"terminate it", "", terminateOther},
		{"a second table for a subnet", "Resource.AlreadyAssociated", func(ctx context.Context, f *fidelity) error {
			return errOf(f.api.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{RouteTableId: &f.main, SubnetId: &f.public}))
		}},
		{"a second internet gateway", "Resource.AlreadyAssociated", func(ctx context.Context, f *fidelity) error {
			made, err := f.api.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{})
			if err != nil {
				return err
			}
			return errOf(f.api.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{
				InternetGatewayId: made.InternetGateway.InternetGatewayId, VpcId: &f.vpc}))
		}},
		{"a NAT gateway with a used address", "Resource.AlreadyAssociated", func(ctx context.Context, f *fidelity) error {
			return errOf(f.api.CreateNatGateway(ctx, &ec2.CreateNatGatewayInput{SubnetId: &f.public, AllocationId: &f.natAllocation}))
		}},
		{"delete an unknown NAT gateway", "NatGatewayNotFound", deleteNAT("nat-0123456789abcdef0")},
		{"move an address without saying so", "Resource.AlreadyAssociated", func(ctx context.Context, f *fidelity) error {
			if err := launchWith(func(*fidelity, *ec2.RunInstancesInput) {})(ctx, f); err != nil {
				return err
			}
			return errOf(f.api.AssociateAddress(ctx, &ec2.AssociateAddressInput{
				AllocationId: &f.allocation, InstanceId: &f.other, AllowReassociation: aws.Bool(false)}))
		}},
		{"terminate the other", "", terminateOther},
		{"release an instance's address", "InvalidIPAddress.InUse", release(func(f *fidelity) string { return f.allocation })},
		{"release a NAT gateway's address", "InvalidIPAddress.InUse", release(func(f *fidelity) string { return f.natAllocation })},
		{"a record that is there", "InvalidChangeBatch", dnsRecord(r53.ChangeActionCreate, "10.1.0.6")},
		{"a record that is no address", "InvalidChangeBatch", dnsRecord(r53.ChangeActionUpsert, "10.1.0.600")},
		{"delete a record by another value", "InvalidChangeBatch", dnsRecord(r53.ChangeActionDelete, "10.1.0.6")},
		{"change a record", "", dnsRecord(r53.ChangeActionUpsert, "10.1.0.6")},
		{"delete a record by its old value", "InvalidChangeBatch", dnsRecord(r53.ChangeActionDelete, "10.1.0.5")},
		{"a zone of an unknown VPC", "InvalidVPCId", func(ctx context.Context, f *fidelity) error {
			return errOf(f.dns.CreateHostedZone(ctx, &route53.CreateHostedZoneInput{Name: aws.String("b.internal"),
				CallerReference: aws.String("two"), VPC: &r53.VPC{VPCId: aws.String("vpc-0123456789abcdef0"), VPCRegion: r53.VPCRegionUsEast1}}))
		}},
		{"a zone twice", "HostedZoneAlreadyExists", func(ctx context.Context, f *fidelity) error {
			return errOf(f.dns.CreateHostedZone(ctx, &route53.CreateHostedZoneInput{Name: aws.String("c.internal"), CallerReference: aws.String("one")}))
		}},
		{"delete a zone with records", "HostedZoneNotEmpty", deleteZone},
	}
}

// teardownRows try each thing too early, then in the order that AWS wants.
func teardownRows() []row {
	return []row{
		{"delete a subnet in use", "DependencyViolation", deleteSubnet(func(f *fidelity) string { return f.public })},
		{"delete a group in use", "DependencyViolation", deleteGroup},
		{"detach the gateway under addresses", "DependencyViolation", detachGateway},
		{"terminate all instances", "", func(ctx context.Context, f *fidelity) error {
			f.instance = ""
			return cleanUp(ctx, f)
		}},
		{"its address is free again", "", release(func(f *fidelity) string { return f.allocation })},
		{"detach the gateway under a NAT gateway", "DependencyViolation", detachGateway},
		{"delete a subnet with a NAT gateway", "DependencyViolation", deleteSubnet(func(f *fidelity) string { return f.public })},
		{"delete the NAT gateway", "", func(ctx context.Context, f *fidelity) error { return deleteNAT(f.nat)(ctx, f) }},
		{"release its address", "", release(func(f *fidelity) string { return f.natAllocation })},
		{"another group names ours", "", func(ctx context.Context, f *fidelity) error {
			made, err := f.api.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
				GroupName: aws.String("bastion"), Description: aws.String("b"), VpcId: &f.vpc})
			if err != nil {
				return err
			}
			f.other = *made.GroupId
			return errOf(f.api.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &f.other,
				IpPermissions: []types.IpPermission{{IpProtocol: aws.String("-1"), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: &f.group}}}}}))
		}},
		{"delete a group that another names", "DependencyViolation", deleteGroup},
		{"delete the other group", "", func(ctx context.Context, f *fidelity) error {
			return errOf(f.api.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &f.other}))
		}},
		{"delete a VPC in use", "DependencyViolation", deleteVPC},
		{"delete the group", "", deleteGroup},
		{"delete the public subnet", "", deleteSubnet(func(f *fidelity) string { return f.public })},
		{"delete the private subnet", "", deleteSubnet(func(f *fidelity) string { return f.private })},
		{"delete the main table", "DependencyViolation", deleteTable(func(f *fidelity) string { return f.main })},
		{"delete the table", "", deleteTable(func(f *fidelity) string { return f.table })},
		{"delete a VPC with a gateway", "DependencyViolation", deleteVPC},
		{"detach the gateway", "", detachGateway},
		{"delete the record", "", dnsRecord(r53.ChangeActionDelete, "10.1.0.6")},
		{"delete the zone", "", deleteZone},
		{"delete the VPC", "", deleteVPC},
		{"nothing is left", "", func(ctx context.Context, f *fidelity) error {
			got, err := f.api.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{})
			if err == nil && len(got.NetworkInterfaces) > 0 {
				f.t.Errorf("%d interfaces are left", len(got.NetworkInterfaces))
			}
			return err
		}},
	}
}

func wear(ctx context.Context, f *fidelity, group string) error {
	return errOf(f.api.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{
		InstanceId: &f.other, Groups: []string{group}}))
}

func wantGroups(ctx context.Context, f *fidelity, name string) error {
	got, err := f.api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{f.other}})
	if err != nil {
		return err
	}
	groups := got.Reservations[0].Instances[0].SecurityGroups
	if len(groups) != 1 || *groups[0].GroupName != name {
		f.t.Errorf("got groups %v, want %s alone", groups, name)
	}
	return nil
}

func subnetOf(cidr string) call {
	return func(ctx context.Context, f *fidelity) error {
		return errOf(f.api.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: &f.vpc, CidrBlock: &cidr}))
	}
}

func deleteNAT(id string) call {
	return func(ctx context.Context, f *fidelity) error {
		return errOf(f.api.DeleteNatGateway(ctx, &ec2.DeleteNatGatewayInput{NatGatewayId: &id}))
	}
}

func release(which func(*fidelity) string) call {
	return func(ctx context.Context, f *fidelity) error {
		return errOf(f.api.ReleaseAddress(ctx, &ec2.ReleaseAddressInput{AllocationId: aws.String(which(f))}))
	}
}

func deleteSubnet(which func(*fidelity) string) call {
	return func(ctx context.Context, f *fidelity) error {
		return errOf(f.api.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: aws.String(which(f))}))
	}
}

func deleteTable(which func(*fidelity) string) call {
	return func(ctx context.Context, f *fidelity) error {
		return errOf(f.api.DeleteRouteTable(ctx, &ec2.DeleteRouteTableInput{RouteTableId: aws.String(which(f))}))
	}
}

func deleteGroup(ctx context.Context, f *fidelity) error {
	return errOf(f.api.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &f.group}))
}

func detachGateway(ctx context.Context, f *fidelity) error {
	return errOf(f.api.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: &f.igw, VpcId: &f.vpc}))
}

func deleteZone(ctx context.Context, f *fidelity) error {
	return errOf(f.dns.DeleteHostedZone(ctx, &route53.DeleteHostedZoneInput{Id: &f.zone}))
}

func deleteVPC(ctx context.Context, f *fidelity) error {
	return errOf(f.api.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: &f.vpc}))
}
