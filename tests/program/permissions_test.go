package program_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"kraftstack/tests/golden"
)

// needs are the calls that the AWS provider makes for a resource of a type, from
// its birth to its end, as AWS names them. The provider's sources are the
// reference (terraform-provider-aws v5, internal/service).
var needs = map[string]string{
	"aws:ebs/volume:Volume":                                     "ec2:CreateVolume ec2:DescribeVolumes ec2:DescribeVolumesModifications ec2:ModifyVolume ec2:DeleteVolume ec2:CreateTags ec2:DeleteTags",
	"aws:ec2/amiFromInstance:AmiFromInstance":                   "ec2:CreateImage ec2:DescribeImages ec2:DeregisterImage ec2:DeleteSnapshot ec2:DescribeSnapshots ec2:CreateTags",
	"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":         "ec2:DescribeSecurityGroups ec2:RevokeSecurityGroupIngress ec2:RevokeSecurityGroupEgress ec2:CreateTags ec2:DeleteTags",
	"aws:ec2/eip:Eip":                                           "ec2:AllocateAddress ec2:DescribeAddresses ec2:DescribeAddressesAttribute ec2:ReleaseAddress ec2:CreateTags ec2:DeleteTags",
	"aws:ec2/eipAssociation:EipAssociation":                     "ec2:AssociateAddress ec2:DisassociateAddress ec2:DescribeAddresses",
	"aws:ec2/flowLog:FlowLog":                                   "ec2:CreateFlowLogs ec2:DescribeFlowLogs ec2:DeleteFlowLogs ec2:CreateTags ec2:DeleteTags iam:PassRole logs:CreateLogDelivery logs:DeleteLogDelivery",
	"aws:cloudwatch/logGroup:LogGroup":                          "logs:CreateLogGroup logs:DescribeLogGroups logs:PutRetentionPolicy logs:DeleteRetentionPolicy logs:DeleteLogGroup logs:ListTagsForResource logs:TagResource logs:UntagResource",
	"aws:ec2/instance:Instance":                                 "ec2:RunInstances ec2:DescribeInstances ec2:DescribeInstanceAttribute ec2:DescribeInstanceTypes ec2:DescribeInstanceCreditSpecifications ec2:DescribeTags ec2:DescribeVolumes ec2:DescribeVpcs ec2:DescribeLaunchTemplates ec2:DescribeLaunchTemplateVersions ec2:ModifyInstanceAttribute ec2:ModifyInstanceMetadataOptions ec2:MonitorInstances ec2:UnmonitorInstances ec2:StopInstances ec2:StartInstances ec2:TerminateInstances ec2:CreateTags ec2:DeleteTags",
	"aws:ec2/internetGateway:InternetGateway":                   "ec2:CreateInternetGateway ec2:AttachInternetGateway ec2:DescribeInternetGateways ec2:DetachInternetGateway ec2:DeleteInternetGateway ec2:CreateTags ec2:DeleteTags",
	"aws:ec2/keyPair:KeyPair":                                   "ec2:ImportKeyPair ec2:DescribeKeyPairs ec2:DeleteKeyPair ec2:CreateTags ec2:DeleteTags",
	"aws:ec2/launchTemplate:LaunchTemplate":                     "ec2:CreateLaunchTemplate ec2:CreateLaunchTemplateVersion ec2:ModifyLaunchTemplate ec2:DescribeLaunchTemplates ec2:DescribeLaunchTemplateVersions ec2:DeleteLaunchTemplate ec2:CreateTags ec2:DeleteTags",
	"aws:ec2/natGateway:NatGateway":                             "ec2:CreateNatGateway ec2:DescribeNatGateways ec2:DeleteNatGateway ec2:CreateTags ec2:DeleteTags",
	"aws:ec2/networkAcl:NetworkAcl":                             "ec2:CreateNetworkAcl ec2:CreateNetworkAclEntry ec2:DeleteNetworkAclEntry ec2:ReplaceNetworkAclAssociation ec2:DescribeNetworkAcls ec2:DeleteNetworkAcl ec2:CreateTags ec2:DeleteTags",
	"aws:ec2/placementGroup:PlacementGroup":                     "ec2:CreatePlacementGroup ec2:DescribePlacementGroups ec2:DeletePlacementGroup ec2:CreateTags ec2:DeleteTags",
	"aws:ec2/peeringConnectionOptions:PeeringConnectionOptions": "ec2:ModifyVpcPeeringConnectionOptions ec2:DescribeVpcPeeringConnections",
	"aws:ec2/route:Route":                                       "ec2:CreateRoute ec2:ReplaceRoute ec2:DeleteRoute ec2:DescribeRouteTables",
	"aws:ec2/routeTable:RouteTable":                             "ec2:CreateRouteTable ec2:DescribeRouteTables ec2:DeleteRouteTable ec2:CreateTags ec2:DeleteTags",
	"aws:ec2/routeTableAssociation:RouteTableAssociation":       "ec2:AssociateRouteTable ec2:ReplaceRouteTableAssociation ec2:DisassociateRouteTable ec2:DescribeRouteTables",
	"aws:ec2/securityGroup:SecurityGroup":                       "ec2:CreateSecurityGroup ec2:DescribeSecurityGroups ec2:DescribeNetworkInterfaces ec2:RevokeSecurityGroupEgress ec2:DeleteSecurityGroup ec2:CreateTags ec2:DeleteTags",
	"aws:ec2/subnet:Subnet":                                     "ec2:CreateSubnet ec2:DescribeSubnets ec2:ModifySubnetAttribute ec2:DeleteSubnet ec2:CreateTags ec2:DeleteTags",
	"aws:ec2/volumeAttachment:VolumeAttachment":                 "ec2:AttachVolume ec2:DetachVolume ec2:DescribeVolumes ec2:DescribeInstances ec2:StopInstances",
	"aws:ec2/vpc:Vpc":                                           "ec2:CreateVpc ec2:DescribeVpcs ec2:DescribeVpcAttribute ec2:ModifyVpcAttribute ec2:DeleteVpc ec2:CreateTags ec2:DeleteTags",
	"aws:ec2/vpcEndpoint:VpcEndpoint":                           "ec2:CreateVpcEndpoint ec2:DescribeVpcEndpoints ec2:DescribePrefixLists ec2:ModifyVpcEndpoint ec2:DeleteVpcEndpoints ec2:CreateTags ec2:DeleteTags",
	"aws:ec2/vpcPeeringConnection:VpcPeeringConnection":         "ec2:CreateVpcPeeringConnection ec2:AcceptVpcPeeringConnection ec2:ModifyVpcPeeringConnectionOptions ec2:DescribeVpcPeeringConnections ec2:DeleteVpcPeeringConnection ec2:CreateTags ec2:DeleteTags",
	"aws:ec2transitgateway/instanceState:InstanceState":         "ec2:StopInstances ec2:StartInstances ec2:DescribeInstances",
	"aws:iam/instanceProfile:InstanceProfile":                   "iam:CreateInstanceProfile iam:GetInstanceProfile iam:AddRoleToInstanceProfile iam:RemoveRoleFromInstanceProfile iam:DeleteInstanceProfile iam:TagInstanceProfile iam:UntagInstanceProfile",
	"aws:iam/role:Role":                                         "iam:CreateRole iam:GetRole iam:PassRole iam:UpdateRole iam:UpdateAssumeRolePolicy iam:ListRolePolicies iam:ListAttachedRolePolicies iam:ListInstanceProfilesForRole iam:DeleteRole iam:TagRole iam:UntagRole",
	"aws:iam/rolePolicy:RolePolicy":                             "iam:PutRolePolicy iam:GetRolePolicy iam:DeleteRolePolicy",
	"aws:lb/listener:Listener":                                  "elasticloadbalancing:CreateListener elasticloadbalancing:DescribeListeners elasticloadbalancing:ModifyListener elasticloadbalancing:DeleteListener elasticloadbalancing:DescribeTags elasticloadbalancing:AddTags elasticloadbalancing:RemoveTags",
	"aws:lb/loadBalancer:LoadBalancer":                          "elasticloadbalancing:CreateLoadBalancer elasticloadbalancing:DescribeLoadBalancers elasticloadbalancing:DescribeLoadBalancerAttributes elasticloadbalancing:ModifyLoadBalancerAttributes elasticloadbalancing:SetSecurityGroups elasticloadbalancing:DeleteLoadBalancer elasticloadbalancing:DescribeTags elasticloadbalancing:AddTags elasticloadbalancing:RemoveTags",
	"aws:lb/targetGroup:TargetGroup":                            "elasticloadbalancing:CreateTargetGroup elasticloadbalancing:DescribeTargetGroups elasticloadbalancing:DescribeTargetGroupAttributes elasticloadbalancing:ModifyTargetGroup elasticloadbalancing:ModifyTargetGroupAttributes elasticloadbalancing:DeleteTargetGroup elasticloadbalancing:DescribeTags elasticloadbalancing:AddTags elasticloadbalancing:RemoveTags",
	"aws:lb/targetGroupAttachment:TargetGroupAttachment":        "elasticloadbalancing:RegisterTargets elasticloadbalancing:DeregisterTargets elasticloadbalancing:DescribeTargetHealth",
	"aws:route53/record:Record":                                 "route53:ChangeResourceRecordSets route53:ListResourceRecordSets route53:GetChange route53:GetHostedZone",
	"aws:route53/zone:Zone":                                     "route53:CreateHostedZone route53:GetHostedZone route53:ListTagsForResource route53:ChangeTagsForResource route53:AssociateVPCWithHostedZone route53:DisassociateVPCFromHostedZone route53:ListResourceRecordSets route53:GetChange route53:DeleteHostedZone",
	"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule":   "ec2:AuthorizeSecurityGroupEgress ec2:RevokeSecurityGroupEgress ec2:ModifySecurityGroupRules ec2:DescribeSecurityGroupRules ec2:CreateTags ec2:DeleteTags",
	"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "ec2:AuthorizeSecurityGroupIngress ec2:RevokeSecurityGroupIngress ec2:ModifySecurityGroupRules ec2:DescribeSecurityGroupRules ec2:CreateTags ec2:DeleteTags",
}

// asks are the calls of the functions that the program uses.
var asks = []string{"ec2:DescribeAvailabilityZones", "ec2:DescribeImages", "ec2:DescribeInstanceTypes", "ssm:GetParameter", "sts:GetCallerIdentity"}

// ownKey is what disks that a key of one's own encrypts need besides.
var ownKey = []string{"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"}

type statement struct {
	Sid       string         `json:"Sid"`
	Effect    string         `json:"Effect"`
	Action    []string       `json:"Action"`
	Resource  any            `json:"Resource"`
	Condition map[string]any `json:"Condition,omitempty"`
}

// TestDeployerPermissions writes the policy that a deployer needs from what the
// program makes for the example stacks: docs/aws-policy.json.
func TestDeployerPermissions(t *testing.T) {
	calls := map[string]bool{}
	for _, values := range examples(t) {
		for _, res := range mustDeploy(t, values).resources {
			if !strings.HasPrefix(res.Type, "aws:") {
				continue
			}
			if needs[res.Type] == "" {
				t.Fatalf("add to needs the calls that %s takes: docs/aws-policy.json is made from them", res.Type)
			}
			for call := range strings.FieldsSeq(needs[res.Type]) {
				calls[call] = true
			}
		}
	}
	for _, call := range asks {
		calls[call] = true
	}
	of := func(services ...string) []string {
		var list []string
		for call := range calls {
			if service, _, _ := strings.Cut(call, ":"); slices.Contains(services, service) && call != "iam:PassRole" {
				list = append(list, call)
			}
		}
		slices.Sort(list)
		return list
	}
	hosts := []string{"arn:aws:iam::ACCOUNT:role/*-kafka-host-REGION", "arn:aws:iam::ACCOUNT:instance-profile/*-kafka-host-REGION"}
	writers := "arn:aws:iam::ACCOUNT:role/*-flow-logs-REGION"
	iamBut := func(calls string) []string {
		return slices.DeleteFunc(of("iam"), func(call string) bool { return slices.Contains(strings.Fields(calls), call) })
	}
	region := map[string]any{"StringEquals": map[string]string{"aws:RequestedRegion": "REGION"}}
	statements := []statement{
		{"Network", "Allow", of("ec2", "elasticloadbalancing", "logs"), "*", region},
		{"Names", "Allow", of("route53"), "*", nil},
		{"HostRole", "Allow", iamBut(needs["aws:iam/rolePolicy:RolePolicy"]), hosts, nil},
		{"HostRolePolicy", "Allow", strings.Fields(needs["aws:iam/rolePolicy:RolePolicy"]), hosts[0], nil},
		{"GiveHostRole", "Allow", []string{"iam:PassRole"}, hosts[0], map[string]any{"StringEquals": map[string]string{"iam:PassedToService": "ec2.amazonaws.com"}}},
		{"FlowLogsRole", "Allow", iamBut(needs["aws:iam/instanceProfile:InstanceProfile"]), writers, nil},
		{"GiveFlowLogsRole", "Allow", []string{"iam:PassRole"}, writers, map[string]any{"StringEquals": map[string]string{"iam:PassedToService": "vpc-flow-logs.amazonaws.com"}}},
		{"NewestImages", "Allow", of("ssm"), []string{"arn:aws:ssm:REGION::parameter/aws/service/canonical/ubuntu/*", "arn:aws:ssm:REGION::parameter/aws/service/ami-amazon-linux-latest/*"}, nil},
		{"WhoAmI", "Allow", of("sts"), "*", nil},
		{"OwnDiskKey", "Allow", ownKey, "arn:aws:kms:REGION:ACCOUNT:key/KEY", nil},
		{"State", "Allow", []string{"s3:DeleteObject", "s3:GetObject", "s3:PutObject"}, "arn:aws:s3:::BUCKET/*", nil},
		{"ListState", "Allow", []string{"s3:GetBucketLocation", "s3:ListBucket"}, "arn:aws:s3:::BUCKET", nil},
		{"StateKey", "Allow", []string{"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"}, "arn:aws:kms:REGION:ACCOUNT:key/STATE-KEY", nil},
	}
	text, err := json.MarshalIndent(map[string]any{"Version": "2012-10-17", "Statement": statements}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.CompareFile(t, "../../docs/aws-policy.json", string(text)+"\n")
	for call := range calls {
		if strings.ContainsAny(call, "*?") {
			t.Errorf("%s is no single call", call)
		}
	}
}

// TestPolicyIsExplained: the document tells about every statement.
func TestPolicyIsExplained(t *testing.T) {
	text, err := os.ReadFile("../../docs/aws.md")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := os.ReadFile("../../docs/aws-policy.json")
	if err != nil {
		t.Fatal(err)
	}
	var document struct{ Statement []statement }
	if err := json.Unmarshal(policy, &document); err != nil {
		t.Fatal(err)
	}
	for _, s := range document.Statement {
		if !strings.Contains(string(text), "`"+s.Sid+"`") {
			t.Errorf("docs/aws.md does not say what %s is for", s.Sid)
		}
	}
	for _, rail := range guardRails {
		if !strings.Contains(string(text), rail.rule+" | "+rail.controls) {
			t.Errorf("docs/aws.md does not list the rule: %s", rail.rule)
		}
	}
}
