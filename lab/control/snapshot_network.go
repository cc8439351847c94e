package control

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"kraftstack/lab/cloud"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// readSubnets reads subnets and route tables: a subnet without an association
// uses its VPC's main table.
func (r *reader) readSubnets(ctx context.Context, s *cloud.Snapshot) error {
	ofSubnet, mainOf := map[string]string{}, map[string]string{}
	tables := ec2.NewDescribeRouteTablesPaginator(r.ec2, &ec2.DescribeRouteTablesInput{})
	for tables.HasMorePages() {
		page, err := tables.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, table := range page.RouteTables {
			id, vpc := aws.ToString(table.RouteTableId), aws.ToString(table.VpcId)
			if !r.vpcs[vpc] {
				continue
			}
			for _, association := range table.Associations {
				if aws.ToBool(association.Main) {
					mainOf[vpc] = id
				} else if association.SubnetId != nil {
					ofSubnet[*association.SubnetId] = id
				}
			}
			routes, err := readRoutes(id, table.Routes)
			if err != nil {
				return err
			}
			s.RouteTables = append(s.RouteTables, cloud.RouteTable{ID: id, VPC: vpc, Routes: routes})
		}
	}
	subnets := ec2.NewDescribeSubnetsPaginator(r.ec2, &ec2.DescribeSubnetsInput{})
	for subnets.HasMorePages() {
		page, err := subnets.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, subnet := range page.Subnets {
			id, vpc := aws.ToString(subnet.SubnetId), aws.ToString(subnet.VpcId)
			if !r.vpcs[vpc] {
				continue
			}
			cidr, err := parsePrefix("subnet "+id, aws.ToString(subnet.CidrBlock))
			if err != nil {
				return err
			}
			table := ofSubnet[id]
			if table == "" {
				table = mainOf[vpc]
			}
			s.Subnets = append(s.Subnets, cloud.Subnet{
				ID: id, VPC: vpc, CIDR: cidr,
				Zone: aws.ToString(subnet.AvailabilityZone), RouteTable: table, ACL: r.aclOf[id],
			})
		}
	}
	return nil
}

// readRoutes leaves out the local route, which is implied, routes whose target
// is gone, which lead nowhere, those to prefix lists (see readEndpoints), and
// IPv6 ones: nothing in the lab has such an address.
func readRoutes(table string, routes []types.Route) ([]cloud.Route, error) {
	var out []cloud.Route
	for _, route := range routes {
		target := routeTarget(route)
		if route.DestinationCidrBlock == nil || target == "local" || route.State == types.RouteStateBlackhole {
			continue
		}
		destination, err := parsePrefix("route table "+table, *route.DestinationCidrBlock)
		if err != nil {
			return nil, err
		}
		out = append(out, cloud.Route{Destination: destination, Target: target})
	}
	sortBy(out, func(r cloud.Route) string { return r.Destination.String() })
	return out, nil
}

func routeTarget(route types.Route) string {
	for _, id := range []*string{
		route.GatewayId, route.NatGatewayId, route.VpcPeeringConnectionId, route.TransitGatewayId,
		route.NetworkInterfaceId, route.InstanceId, route.EgressOnlyInternetGatewayId,
		route.CarrierGatewayId, route.LocalGatewayId,
	} {
		if aws.ToString(id) != "" {
			return *id
		}
	}
	return "unknown"
}

func (r *reader) readNATGateways(ctx context.Context, s *cloud.Snapshot) error {
	pages := ec2.NewDescribeNatGatewaysPaginator(r.ec2, &ec2.DescribeNatGatewaysInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, nat := range page.NatGateways {
			id := aws.ToString(nat.NatGatewayId)
			public := nat.ConnectivityType != types.ConnectivityTypePrivate
			if !r.vpcs[aws.ToString(nat.VpcId)] || nat.State != types.NatGatewayStateAvailable || !public {
				continue
			}
			if len(nat.NatGatewayAddresses) != 1 {
				return fmt.Errorf("NAT gateway %s has %d addresses; the lab knows one", id, len(nat.NatGatewayAddresses))
			}
			ip, err := parseAddr("NAT gateway "+id, aws.ToString(nat.NatGatewayAddresses[0].PublicIp))
			if err != nil {
				return err
			}
			s.NATGateways = append(s.NATGateways, cloud.NATGateway{
				ID: id, Subnet: aws.ToString(nat.SubnetId), PublicIP: ip,
			})
		}
	}
	return nil
}

func (r *reader) readAddresses(ctx context.Context, s *cloud.Snapshot) error {
	got, err := r.ec2.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{})
	if err != nil {
		return err
	}
	for _, address := range got.Addresses {
		id := aws.ToString(address.AllocationId)
		ip, err := parseAddr("Elastic IP "+id, aws.ToString(address.PublicIp))
		if err != nil {
			return err
		}
		s.Addresses = append(s.Addresses, cloud.Address{
			AllocationID: id, PublicIP: ip, Instance: aws.ToString(address.InstanceId),
		})
	}
	return nil
}

func (r *reader) readSecurityGroups(ctx context.Context, s *cloud.Snapshot) error {
	pages := ec2.NewDescribeSecurityGroupsPaginator(r.ec2, &ec2.DescribeSecurityGroupsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, group := range page.SecurityGroups {
			if !r.vpcs[aws.ToString(group.VpcId)] {
				continue
			}
			one := cloud.SecurityGroup{ID: aws.ToString(group.GroupId), VPC: aws.ToString(group.VpcId)}
			if one.Ingress, err = readRules(one.ID, group.IpPermissions); err != nil {
				return err
			}
			if one.Egress, err = readRules(one.ID, group.IpPermissionsEgress); err != nil {
				return err
			}
			s.SecurityGroups = append(s.SecurityGroups, one)
		}
	}
	return nil
}

// readRules leaves out IPv6 ranges, which match nothing in the lab.
func readRules(group string, permissions []types.IpPermission) ([]cloud.Rule, error) {
	var rules []cloud.Rule
	for _, permission := range permissions {
		protocol, err := protocolName(aws.ToString(permission.IpProtocol))
		if err != nil {
			return nil, fmt.Errorf("security group %s: %w", group, err)
		}
		rule := cloud.Rule{Protocol: protocol}
		if protocol == "tcp" || protocol == "udp" {
			rule.FromPort = int(aws.ToInt32(permission.FromPort))
			rule.ToPort = int(aws.ToInt32(permission.ToPort))
		}
		for _, ipRange := range permission.IpRanges {
			cidr, err := parsePrefix("security group "+group, aws.ToString(ipRange.CidrIp))
			if err != nil {
				return nil, err
			}
			rule.CIDRs = append(rule.CIDRs, cidr)
		}
		for _, pair := range permission.UserIdGroupPairs {
			rule.Groups = append(rule.Groups, aws.ToString(pair.GroupId))
		}
		if len(rule.CIDRs) == 0 && len(rule.Groups) == 0 {
			continue
		}
		slices.SortFunc(rule.CIDRs, func(a, b netip.Prefix) int { return a.Compare(b) })
		slices.Sort(rule.Groups)
		rules = append(rules, rule)
	}
	sortBy(rules, func(r cloud.Rule) string {
		return fmt.Sprintf("%s %5d %5d %v %v", r.Protocol, r.FromPort, r.ToPort, r.CIDRs, r.Groups)
	})
	return rules, nil
}

func protocolName(text string) (string, error) {
	switch text {
	case "tcp", "6":
		return "tcp", nil
	case "udp", "17":
		return "udp", nil
	case "icmp", "1":
		return "icmp", nil
	case "-1", "all":
		return "-1", nil
	}
	return "", fmt.Errorf("the lab does not know protocol %q", text)
}
