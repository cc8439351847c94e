package control

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"kraftstack/lab/cloud"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/route53"
)

// snapshotTries bounds how often a snapshot is read again because the cloud
// changed while it was read.
const snapshotTries = 3

// Snapshot reads the whole cloud, in every region in use, through the public
// AWS API. The account's default VPC is left out while no instance is in it and
// nothing is peered with it. A
// cloud that keeps changing gives a snapshot of several moments, and another
// change for Changes to tell.
func (c *Control) Snapshot(ctx context.Context) (cloud.Snapshot, error) {
	for try := 1; ; try++ {
		before, err := c.version(ctx)
		if err != nil {
			return cloud.Snapshot{}, fmt.Errorf("read the lab's cloud: %w", err)
		}
		read, err := c.readAll(ctx)
		if err != nil {
			return cloud.Snapshot{}, fmt.Errorf("read the lab's cloud: %w", err)
		}
		after, err := c.version(ctx)
		if err != nil {
			return cloud.Snapshot{}, fmt.Errorf("read the lab's cloud: %w", err)
		}
		if before == after || try == snapshotTries {
			return read, nil
		}
	}
}

func (c *Control) version(ctx context.Context) (int64, error) {
	var got struct{ Version int64 }
	err := c.get(ctx, "/kraftstack/id", &got)
	return got.Version, err
}

func (c *Control) readAll(ctx context.Context) (cloud.Snapshot, error) {
	var used struct{ Regions []string }
	if err := c.get(ctx, "/kraftstack/regions", &used); err != nil {
		return cloud.Snapshot{}, err
	}
	s := cloud.Snapshot{}
	for _, region := range used.Regions {
		r := &reader{ec2: ec2.NewFromConfig(c.awsConfig(region)), elb: elb.NewFromConfig(c.awsConfig(region)), control: c}
		if err := r.read(ctx, &s); err != nil {
			return cloud.Snapshot{}, fmt.Errorf("region %s: %w", region, err)
		}
	}
	c.forgetLaunches(s.Instances)
	zones, err := readZones(ctx, route53.NewFromConfig(c.awsConfig(Region)))
	if err != nil {
		return cloud.Snapshot{}, err
	}
	s.Zones = zones
	sortSnapshot(&s)
	return s, nil
}

func (c *Control) awsConfig(region string) aws.Config {
	return aws.Config{
		Region:       region,
		Credentials:  credentials.NewStaticCredentialsProvider(AccessKey, SecretKey, ""),
		BaseEndpoint: aws.String(c.URL()),
		HTTPClient:   c.client,
	}
}

// reader reads one region.
type reader struct {
	ec2     *ec2.Client
	elb     *elb.Client
	control *Control
	vpcs    map[string]bool   // those that belong to the lab
	aclOf   map[string]string // by subnet
}

func (r *reader) read(ctx context.Context, s *cloud.Snapshot) error {
	instances, err := r.instances(ctx)
	if err != nil {
		return err
	}
	if err := r.readPeerings(ctx, s); err != nil {
		return err
	}
	if err := r.readVPCs(ctx, instances, s); err != nil {
		return err
	}
	steps := []func(context.Context, *cloud.Snapshot) error{
		r.readACLs, r.readSubnets, r.readNATGateways, r.readEndpoints, r.readSecurityGroups, r.readAddresses, r.readVolumes, r.readBalancers, r.readImages,
	}
	for _, step := range steps {
		if err := step(ctx, s); err != nil {
			return err
		}
	}
	return r.readInstances(ctx, instances, s)
}

func (r *reader) readVPCs(ctx context.Context, instances []types.Instance, s *cloud.Snapshot) error {
	occupied := map[string]bool{}
	for _, instance := range instances {
		occupied[aws.ToString(instance.VpcId)] = true
	}
	for _, peering := range s.Peerings {
		occupied[peering.VPCs[0]], occupied[peering.VPCs[1]] = true, true
	}
	r.vpcs = map[string]bool{}
	pages := ec2.NewDescribeVpcsPaginator(r.ec2, &ec2.DescribeVpcsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, vpc := range page.Vpcs {
			id := aws.ToString(vpc.VpcId)
			if aws.ToBool(vpc.IsDefault) && !occupied[id] {
				continue
			}
			r.vpcs[id] = true
			one, err := r.vpc(ctx, id, aws.ToString(vpc.CidrBlock))
			if err != nil {
				return err
			}
			s.VPCs = append(s.VPCs, one)
		}
	}
	return nil
}

func (r *reader) vpc(ctx context.Context, id, cidr string) (cloud.VPC, error) {
	prefix, err := parsePrefix("VPC "+id, cidr)
	if err != nil {
		return cloud.VPC{}, err
	}
	support, err := r.ec2.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{
		VpcId: &id, Attribute: types.VpcAttributeNameEnableDnsSupport,
	})
	if err != nil {
		return cloud.VPC{}, err
	}
	names, err := r.ec2.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{
		VpcId: &id, Attribute: types.VpcAttributeNameEnableDnsHostnames,
	})
	if err != nil {
		return cloud.VPC{}, err
	}
	return cloud.VPC{
		ID: id, CIDR: prefix,
		EnableDNSSupport:   support.EnableDnsSupport != nil && aws.ToBool(support.EnableDnsSupport.Value),
		EnableDNSHostnames: names.EnableDnsHostnames != nil && aws.ToBool(names.EnableDnsHostnames.Value),
	}, nil
}

func (r *reader) readVolumes(ctx context.Context, s *cloud.Snapshot) error {
	pages := ec2.NewDescribeVolumesPaginator(r.ec2, &ec2.DescribeVolumesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, volume := range page.Volumes {
			s.Volumes = append(s.Volumes, cloud.Volume{
				ID:      aws.ToString(volume.VolumeId),
				SizeGiB: int(aws.ToInt32(volume.Size)),
				Zone:    aws.ToString(volume.AvailabilityZone),
			})
		}
	}
	return nil
}

func parsePrefix(what, text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%s: %w", what, err)
	}
	return prefix.Masked(), nil
}

func parseAddr(what, text string) (netip.Addr, error) {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%s: %w", what, err)
	}
	return address, nil
}

// sortSnapshot makes two equal clouds compare equal.
func sortSnapshot(s *cloud.Snapshot) {
	sortBy(s.VPCs, func(v cloud.VPC) string { return v.ID })
	sortBy(s.Subnets, func(v cloud.Subnet) string { return v.ID })
	sortBy(s.RouteTables, func(v cloud.RouteTable) string { return v.ID })
	sortBy(s.NATGateways, func(v cloud.NATGateway) string { return v.ID })
	sortBy(s.Instances, func(v cloud.Instance) string { return v.ID })
	sortBy(s.Images, func(v cloud.Image) string { return v.ID })
	sortBy(s.Volumes, func(v cloud.Volume) string { return v.ID })
	sortBy(s.SecurityGroups, func(v cloud.SecurityGroup) string { return v.ID })
	sortBy(s.NetworkACLs, func(v cloud.NetworkACL) string { return v.ID })
	sortBy(s.S3Endpoints, func(v cloud.S3Endpoint) string { return v.ID })
	sortBy(s.Endpoints, func(v cloud.InterfaceEndpoint) string { return v.ID })
	sortBy(s.Peerings, func(v cloud.Peering) string { return v.ID })
	sortBy(s.Balancers, func(v cloud.Balancer) string { return v.ID })
	sortBy(s.Addresses, func(v cloud.Address) string { return v.AllocationID })
	sortBy(s.Zones, func(v cloud.Zone) string { return v.ID })
}

func sortBy[T any](items []T, key func(T) string) {
	slices.SortFunc(items, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
}
