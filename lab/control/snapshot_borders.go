package control

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"kraftstack/lab/cloud"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// readACLs reads the network ACLs, and notes which subnet has which.
func (r *reader) readACLs(ctx context.Context, s *cloud.Snapshot) error {
	r.aclOf = map[string]string{}
	pages := ec2.NewDescribeNetworkAclsPaginator(r.ec2, &ec2.DescribeNetworkAclsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, acl := range page.NetworkAcls {
			if !r.vpcs[aws.ToString(acl.VpcId)] {
				continue
			}
			one := cloud.NetworkACL{ID: aws.ToString(acl.NetworkAclId), VPC: aws.ToString(acl.VpcId)}
			for _, entry := range acl.Entries {
				if err := readACLEntry(&one, entry); err != nil {
					return fmt.Errorf("network ACL %s: %w", one.ID, err)
				}
			}
			byNumber := func(a, b cloud.ACLEntry) int { return cmp.Compare(a.Number, b.Number) }
			slices.SortFunc(one.Ingress, byNumber)
			slices.SortFunc(one.Egress, byNumber)
			s.NetworkACLs = append(s.NetworkACLs, one)
			for _, association := range acl.Associations {
				r.aclOf[aws.ToString(association.SubnetId)] = one.ID
			}
		}
	}
	return nil
}

// readACLEntry leaves out IPv6 rules, which match nothing in the lab.
func readACLEntry(acl *cloud.NetworkACL, entry types.NetworkAclEntry) error {
	if entry.CidrBlock == nil {
		return nil
	}
	protocol, err := protocolName(aws.ToString(entry.Protocol))
	if err != nil {
		return err
	}
	rule := cloud.ACLEntry{
		Number: int(aws.ToInt32(entry.RuleNumber)), Allow: entry.RuleAction == types.RuleActionAllow, Protocol: protocol,
	}
	if rule.CIDR, err = parsePrefix(fmt.Sprintf("rule %d", rule.Number), *entry.CidrBlock); err != nil {
		return err
	}
	if entry.PortRange != nil && (protocol == "tcp" || protocol == "udp") {
		rule.FromPort, rule.ToPort = int(aws.ToInt32(entry.PortRange.From)), int(aws.ToInt32(entry.PortRange.To))
	}
	if protocol == "icmp" && entry.IcmpTypeCode != nil && aws.ToInt32(entry.IcmpTypeCode.Type) != -1 {
		return fmt.Errorf("rule %d: the lab does not tell the types of ICMP apart", rule.Number)
	}
	if aws.ToBool(entry.Egress) {
		acl.Egress = append(acl.Egress, rule)
	} else {
		acl.Ingress = append(acl.Ingress, rule)
	}
	return nil
}

// readEndpoints reads the gateway endpoints for S3 and the interface endpoints.
func (r *reader) readEndpoints(ctx context.Context, s *cloud.Snapshot) error {
	pages := ec2.NewDescribeVpcEndpointsPaginator(r.ec2, &ec2.DescribeVpcEndpointsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, endpoint := range page.VpcEndpoints {
			id, vpc, service := aws.ToString(endpoint.VpcEndpointId), aws.ToString(endpoint.VpcId), aws.ToString(endpoint.ServiceName)
			switch {
			case !r.vpcs[vpc]:
			case endpoint.VpcEndpointType == types.VpcEndpointTypeInterface:
				one, err := r.interfaceEndpoint(ctx, endpoint)
				if err != nil {
					return fmt.Errorf("VPC endpoint %s: %w", id, err)
				}
				s.Endpoints = append(s.Endpoints, one)
			case strings.HasSuffix(service, ".s3"):
				s.S3Endpoints = append(s.S3Endpoints, cloud.S3Endpoint{ID: id, VPC: vpc, RouteTables: slices.Sorted(slices.Values(endpoint.RouteTableIds))})
			}
		}
	}
	return nil
}

func (r *reader) interfaceEndpoint(ctx context.Context, endpoint types.VpcEndpoint) (cloud.InterfaceEndpoint, error) {
	// com.amazonaws.REGION.SERVICE
	parts := strings.Split(aws.ToString(endpoint.ServiceName), ".")
	one := cloud.InterfaceEndpoint{
		ID: aws.ToString(endpoint.VpcEndpointId), VPC: aws.ToString(endpoint.VpcId), Service: parts[len(parts)-1],
	}
	if aws.ToBool(endpoint.PrivateDnsEnabled) {
		one.Names = []string{one.Service + "." + parts[len(parts)-2] + ".amazonaws.com"}
	}
	for _, group := range endpoint.Groups {
		one.Groups = append(one.Groups, aws.ToString(group.GroupId))
	}
	slices.Sort(one.Groups)
	var err error
	one.Nodes, err = r.interfacesOf(ctx, "VPC Endpoint Interface "+one.ID)
	return one, err
}

// readPeerings reads the connections that are active.
func (r *reader) readPeerings(ctx context.Context, s *cloud.Snapshot) error {
	pages := ec2.NewDescribeVpcPeeringConnectionsPaginator(r.ec2, &ec2.DescribeVpcPeeringConnectionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, p := range page.VpcPeeringConnections {
			if p.Status == nil || p.Status.Code != types.VpcPeeringConnectionStateReasonCodeActive {
				continue
			}
			s.Peerings = append(s.Peerings, cloud.Peering{
				ID:   aws.ToString(p.VpcPeeringConnectionId),
				VPCs: [2]string{aws.ToString(p.RequesterVpcInfo.VpcId), aws.ToString(p.AccepterVpcInfo.VpcId)},
			})
		}
	}
	return nil
}
