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

// readS3Endpoints reads the gateway endpoints for S3.
func (r *reader) readS3Endpoints(ctx context.Context, s *cloud.Snapshot) error {
	pages := ec2.NewDescribeVpcEndpointsPaginator(r.ec2, &ec2.DescribeVpcEndpointsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, endpoint := range page.VpcEndpoints {
			gateway := endpoint.VpcEndpointType == types.VpcEndpointTypeGateway
			if !gateway || !strings.HasSuffix(aws.ToString(endpoint.ServiceName), ".s3") || !r.vpcs[aws.ToString(endpoint.VpcId)] {
				continue
			}
			s.S3Endpoints = append(s.S3Endpoints, cloud.S3Endpoint{
				ID: aws.ToString(endpoint.VpcEndpointId), VPC: aws.ToString(endpoint.VpcId),
				RouteTables: slices.Sorted(slices.Values(endpoint.RouteTableIds)),
			})
		}
	}
	return nil
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
