package awsprovider

import (
	"reflect"

	"github.com/pulumi/pulumi-go-provider/infer"
)

// rulesHint says how the stand-in wants security group rules.
const rulesHint = "use aws:vpc:SecurityGroupIngressRule and SecurityGroupEgressRule"

// resources are all resource types by their token.
func resources(s *session) map[string]kind {
	list := []kind{
		define[vpc, vpcArgs, vpcState](s),
		define[internetGateway, internetGatewayArgs, internetGatewayState](s),
		define[subnet, subnetArgs, subnetState](s),
		define[eip, eipArgs, eipState](s,
			hint("instance", "use aws:ec2:EipAssociation"), hint("networkInterface", "use aws:ec2:EipAssociation")),
		define[eipAssociation, eipAssociationArgs, eipAssociationState](s),
		define[natGateway, natGatewayArgs, natGatewayState](s),
		define[routeTable, routeTableArgs, routeTableState](s, hint("routes", "use aws:ec2:Route")),
		define[route, routeArgs, routeState](s),
		define[routeTableAssociation, routeTableAssociationArgs, routeTableAssociationState](s),
		define[securityGroup, securityGroupArgs, securityGroupState](s,
			named("name"), hint("ingress", rulesHint), hint("egress", rulesHint)),
		define[ingressRule, ruleArgs, ruleState](s, checked(checkRule)),
		define[egressRule, ruleArgs, ruleState](s, checked(checkRule)),
		define[defaultSecurityGroup, defaultSecurityGroupArgs, defaultSecurityGroupState](s,
			hint("ingress", "the stand-in empties the group"), hint("egress", "the stand-in empties the group")),
		define[networkACL, networkACLArgs, networkACLState](s, checked(checkNetworkACL)),
		define[vpcPeering, vpcPeeringArgs, vpcPeeringState](s, hint("peerOwnerId", "the lab has one account"), hint("peerRegion", "the lab peers within a region")),
		define[vpcEndpoint, vpcEndpointArgs, vpcEndpointState](s),
		define[flowLog, flowLogArgs, flowLogState](s, hint("logGroupName", "use logDestination")),
		define[logGroup, logGroupArgs, logGroupState](s, named("name")),
		define[keyPair, keyPairArgs, keyPairState](s, named("keyName")),
		define[instance, instanceArgs, instanceState](s, checked(checkInstance), adjusted(adjustInstance),
			hint("userDataBase64", "use userData"), hint("securityGroups", "use vpcSecurityGroupIds")),
		define[amiFromInstance, amiFromInstanceArgs, amiFromInstanceState](s, named("name"), hint("snapshotWithoutReboot", "the lab shuts the host down for its image")),
		define[power, powerArgs, powerState](s),
		define[launchTemplate, launchTemplateArgs, launchTemplateState](s, named("name")),
		define[placementGroup, placementGroupArgs, placementGroupState](s, named("name")),
		define[role, roleArgs, roleState](s, checked(checkRole), named("name")),
		define[rolePolicy, rolePolicyArgs, rolePolicyState](s, checked(checkRolePolicy), named("name")),
		define[instanceProfile, instanceProfileArgs, instanceProfileState](s, named("name")),
		define[volume, volumeArgs, volumeState](s, checked(checkVolume)),
		define[volumeAttachment, volumeAttachmentArgs, volumeAttachmentState](s),
		define[loadBalancer, loadBalancerArgs, loadBalancerState](s, named("name"), hint("subnetMappings", "use subnets")),
		define[targetGroup, targetGroupArgs, targetGroupState](s, named("name")),
		define[targetAttachment, targetAttachmentArgs, targetAttachmentState](s, hint("port", "targets get connections on the group's port")),
		define[listener, listenerArgs, listenerState](s),
		define[zone, zoneArgs, zoneState](s),
		define[record, recordArgs, recordState](s),
	}
	byToken := make(map[string]kind, len(list))
	for _, k := range list {
		byToken[k.token] = k
	}
	return byToken
}

// functions are all functions (invokes).
func functions(s *session) []infer.InferredFunction {
	return []infer.InferredFunction{
		infer.Function(&getAvailabilityZones{s}),
		infer.Function(&getParameter{s}),
		infer.Function(&getAmi{s}),
		infer.Function(&getRegion{s}),
		infer.Function(&getCallerIdentity{s}),
		infer.Function(&getInstanceType{s}),
		infer.Function(&getVpc{s}),
		infer.Function(&getRouteTables{s}),
	}
}

// Arguments gives the argument struct of every resource type by its token, so
// that a test can hold it against the SDK's.
func Arguments() map[string]reflect.Type {
	args := map[string]reflect.Type{}
	for token, k := range resources(&session{}) {
		args[token] = k.args
	}
	return args
}
