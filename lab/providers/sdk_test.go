package providers

import (
	"encoding/json"
	"maps"
	"reflect"
	"sort"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ebs"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2transitgateway"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
	r53 "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi-tls/sdk/v5/go/tls"

	"kraftstack/lab/providers/awsprovider"
	"kraftstack/lab/providers/commandprovider"
	"kraftstack/lab/providers/tlsprovider"
	"kraftstack/tests/golden"
)

// sdkArgs are the SDK's argument types. Their ElementType is the struct with
// the `pulumi` tags.
var sdkArgs = map[string]interface{ ElementType() reflect.Type }{
	"aws:ec2/vpc:Vpc":                                           &ec2.VpcArgs{},
	"aws:ec2/internetGateway:InternetGateway":                   &ec2.InternetGatewayArgs{},
	"aws:ec2/subnet:Subnet":                                     &ec2.SubnetArgs{},
	"aws:ec2/eip:Eip":                                           &ec2.EipArgs{},
	"aws:ec2/eipAssociation:EipAssociation":                     &ec2.EipAssociationArgs{},
	"aws:ec2/natGateway:NatGateway":                             &ec2.NatGatewayArgs{},
	"aws:ec2/routeTable:RouteTable":                             &ec2.RouteTableArgs{},
	"aws:ec2/route:Route":                                       &ec2.RouteArgs{},
	"aws:ec2/routeTableAssociation:RouteTableAssociation":       &ec2.RouteTableAssociationArgs{},
	"aws:ec2/securityGroup:SecurityGroup":                       &ec2.SecurityGroupArgs{},
	"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": &vpc.SecurityGroupIngressRuleArgs{},
	"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule":   &vpc.SecurityGroupEgressRuleArgs{},
	"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":         &ec2.DefaultSecurityGroupArgs{},
	"aws:ec2/networkAcl:NetworkAcl":                             &ec2.NetworkAclArgs{},
	"aws:ec2/vpcPeeringConnection:VpcPeeringConnection":         &ec2.VpcPeeringConnectionArgs{},
	"aws:ec2/vpcEndpoint:VpcEndpoint":                           &ec2.VpcEndpointArgs{},
	"aws:ec2/keyPair:KeyPair":                                   &ec2.KeyPairArgs{},
	"aws:ec2/instance:Instance":                                 &ec2.InstanceArgs{},
	"aws:ec2/launchTemplate:LaunchTemplate":                     &ec2.LaunchTemplateArgs{},
	"aws:ec2/placementGroup:PlacementGroup":                     &ec2.PlacementGroupArgs{},
	"aws:iam/role:Role":                                         &iam.RoleArgs{},
	"aws:iam/rolePolicy:RolePolicy":                             &iam.RolePolicyArgs{},
	"aws:ec2/flowLog:FlowLog":                                   &ec2.FlowLogArgs{},
	"aws:cloudwatch/logGroup:LogGroup":                          &cloudwatch.LogGroupArgs{},
	"aws:iam/instanceProfile:InstanceProfile":                   &iam.InstanceProfileArgs{},
	"aws:ebs/volume:Volume":                                     &ebs.VolumeArgs{},
	"aws:ec2/volumeAttachment:VolumeAttachment":                 &ec2.VolumeAttachmentArgs{},
	"aws:lb/loadBalancer:LoadBalancer":                          &lb.LoadBalancerArgs{},
	"aws:lb/targetGroup:TargetGroup":                            &lb.TargetGroupArgs{},
	"aws:lb/targetGroupAttachment:TargetGroupAttachment":        &lb.TargetGroupAttachmentArgs{},
	"aws:lb/listener:Listener":                                  &lb.ListenerArgs{},
	"aws:route53/zone:Zone":                                     &r53.ZoneArgs{},
	"aws:route53/record:Record":                                 &r53.RecordArgs{},
	"command:remote:Command":                                    &remote.CommandArgs{},
	"aws:ec2/amiFromInstance:AmiFromInstance":                   &ec2.AmiFromInstanceArgs{},
	"aws:ec2transitgateway/instanceState:InstanceState":         &ec2transitgateway.InstanceStateArgs{},
	"tls:index/privateKey:PrivateKey":                           &tls.PrivateKeyArgs{},
	"tls:index/selfSignedCert:SelfSignedCert":                   &tls.SelfSignedCertArgs{},
}

// TestArgumentsAreTheSDKs holds every argument of a stand-in against the SDK's
// own: the name exists there with the same kind. What the SDK has besides is
// refused, and listed in a golden file so that a change of it is seen.
func TestArgumentsAreTheSDKs(t *testing.T) {
	standIns := awsprovider.Arguments()
	standIns["command:remote:Command"] = commandprovider.Arguments()
	maps.Copy(standIns, tlsprovider.Arguments())
	refused := map[string][]string{}
	for token, mine := range standIns {
		args, ok := sdkArgs[token]
		if !ok {
			t.Errorf("%s: a stand-in without the SDK's type in this test", token)
			continue
		}
		refused[token] = []string{}
		compare(t, token, "", mine, args.ElementType(), func(path string) { refused[token] = append(refused[token], path) })
		sort.Strings(refused[token])
	}
	for token := range sdkArgs {
		if _, ok := standIns[token]; !ok {
			t.Errorf("%s: no stand-in", token)
		}
	}
	compareJSON(t, "refused.json", refused)
}

// compare walks two structs; missing gets the paths that only theirs has.
func compare(t *testing.T, token, path string, mine, theirs reflect.Type, missing func(string)) {
	t.Helper()
	own, sdk := tagged(mine), tagged(theirs)
	for name, m := range own {
		s, ok := sdk[name]
		if !ok {
			t.Errorf("%s: the SDK has no argument %s", token, path+name)
			continue
		}
		m, s = plain(m), plain(s)
		if s.Kind() == reflect.Interface { // the SDK takes several types here
			continue
		}
		if m.Kind() != s.Kind() {
			t.Errorf("%s: %s is %s, in the SDK %s", token, path+name, m.Kind(), s.Kind())
			continue
		}
		for m.Kind() == reflect.Slice || m.Kind() == reflect.Map {
			m, s = plain(m.Elem()), plain(s.Elem())
		}
		if m.Kind() == reflect.Struct {
			compare(t, token, path+name+".", m, s, missing)
		}
	}
	for name := range sdk {
		if _, ok := own[name]; !ok {
			missing(path + name)
		}
	}
}

func tagged(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(plain(t)) {
		if tag, ok := f.Tag.Lookup("pulumi"); ok {
			fields[strings.Split(tag, ",")[0]] = f.Type
		}
	}
	return fields
}

func plain(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

func compareJSON(t *testing.T, name string, got any) {
	t.Helper()
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, name, string(text)+"\n")
}
