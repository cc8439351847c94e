package awsprovider

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/pulumi/pulumi-go-provider/infer"
)

type nameFilter struct {
	Name   string   `pulumi:"name"`
	Values []string `pulumi:"values"`
}

func filtersOf(list []nameFilter) []types.Filter {
	var out []types.Filter
	for _, f := range list {
		out = append(out, filter(f.Name, f.Values...))
	}
	return out
}

type zonesArgs struct {
	AllAvailabilityZones *bool        `pulumi:"allAvailabilityZones,optional"`
	ExcludeNames         []string     `pulumi:"excludeNames,optional"`
	ExcludeZoneIds       []string     `pulumi:"excludeZoneIds,optional"`
	Filters              []nameFilter `pulumi:"filters,optional"`
	State                *string      `pulumi:"state,optional"`
}

type zonesResult struct {
	zonesArgs
	GroupNames []string `pulumi:"groupNames"`
	Id         string   `pulumi:"id"`
	Names      []string `pulumi:"names"`
	ZoneIds    []string `pulumi:"zoneIds"`
}

type getAvailabilityZones struct{ session *session }

func (*getAvailabilityZones) Annotate(a infer.Annotator) {
	a.SetToken("index/getAvailabilityZones", "getAvailabilityZones")
}

func (f *getAvailabilityZones) Invoke(ctx context.Context, req infer.FunctionRequest[zonesArgs]) (infer.FunctionResponse[zonesResult], error) {
	var resp infer.FunctionResponse[zonesResult]
	c, err := f.session.get()
	if err != nil {
		return resp, err
	}
	in := req.Input
	out, err := c.ec2.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{
		AllAvailabilityZones: in.AllAvailabilityZones, Filters: filtersOf(in.Filters)})
	if err != nil {
		return resp, failed("DescribeAvailabilityZones", c.region, err)
	}
	zones := slices.DeleteFunc(out.AvailabilityZones, func(z types.AvailabilityZone) bool {
		return slices.Contains(in.ExcludeNames, aws.ToString(z.ZoneName)) || slices.Contains(in.ExcludeZoneIds, aws.ToString(z.ZoneId)) ||
			in.State != nil && string(z.State) != *in.State
	})
	sort.Slice(zones, func(i, j int) bool { return aws.ToString(zones[i].ZoneName) < aws.ToString(zones[j].ZoneName) })
	r := zonesResult{zonesArgs: in, Id: c.region, GroupNames: []string{}, Names: []string{}, ZoneIds: []string{}}
	for _, z := range zones {
		r.Names = append(r.Names, aws.ToString(z.ZoneName))
		r.ZoneIds = append(r.ZoneIds, aws.ToString(z.ZoneId))
		if g := aws.ToString(z.GroupName); g != "" && !slices.Contains(r.GroupNames, g) {
			r.GroupNames = append(r.GroupNames, g)
		}
	}
	resp.Output = r
	return resp, nil
}

type parameterArgs struct {
	Name           string `pulumi:"name"`
	WithDecryption *bool  `pulumi:"withDecryption,optional"`
}

type parameterResult struct {
	parameterArgs
	Arn           string `pulumi:"arn"`
	Id            string `pulumi:"id"`
	InsecureValue string `pulumi:"insecureValue"`
	Type          string `pulumi:"type"`
	Value         string `pulumi:"value" provider:"secret"`
	Version       int    `pulumi:"version"`
}

type getParameter struct{ session *session }

func (*getParameter) Annotate(a infer.Annotator) { a.SetToken("ssm/getParameter", "getParameter") }

func (f *getParameter) Invoke(ctx context.Context, req infer.FunctionRequest[parameterArgs]) (infer.FunctionResponse[parameterResult], error) {
	var resp infer.FunctionResponse[parameterResult]
	c, err := f.session.get()
	if err != nil {
		return resp, err
	}
	in := req.Input
	out, err := c.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(in.Name), WithDecryption: aws.Bool(orTrue(in.WithDecryption))})
	if err != nil {
		return resp, failed("GetParameter", in.Name, err)
	}
	v := out.Parameter
	r := parameterResult{parameterArgs: in, Arn: aws.ToString(v.ARN), Id: in.Name, Type: string(v.Type),
		Value: aws.ToString(v.Value), Version: int(v.Version)}
	if v.Type != "SecureString" {
		r.InsecureValue = r.Value
	}
	resp.Output = r
	return resp, nil
}

type regionArgs struct {
	Id   *string `pulumi:"id,optional"`
	Name *string `pulumi:"name,optional"`
}

type regionResult struct {
	Description string `pulumi:"description"`
	Endpoint    string `pulumi:"endpoint"`
	Id          string `pulumi:"id"`
	Name        string `pulumi:"name"`
}

type getRegion struct{ session *session }

func (*getRegion) Annotate(a infer.Annotator) { a.SetToken("index/getRegion", "getRegion") }

func (f *getRegion) Invoke(_ context.Context, req infer.FunctionRequest[regionArgs]) (infer.FunctionResponse[regionResult], error) {
	var resp infer.FunctionResponse[regionResult]
	c, err := f.session.get()
	if err != nil {
		return resp, err
	}
	name := c.region
	if req.Input.Name != nil {
		name = *req.Input.Name
	} else if req.Input.Id != nil {
		name = *req.Input.Id
	}
	resp.Output = regionResult{Description: name, Endpoint: fmt.Sprintf("ec2.%s.amazonaws.com", name), Id: name, Name: name}
	return resp, nil
}

type identityArgs struct {
	Id *string `pulumi:"id,optional"`
}

type identityResult struct {
	AccountId string `pulumi:"accountId"`
	Arn       string `pulumi:"arn"`
	Id        string `pulumi:"id"`
	UserId    string `pulumi:"userId"`
}

type getCallerIdentity struct{ session *session }

func (*getCallerIdentity) Annotate(a infer.Annotator) {
	a.SetToken("index/getCallerIdentity", "getCallerIdentity")
}

func (f *getCallerIdentity) Invoke(ctx context.Context, _ infer.FunctionRequest[identityArgs]) (infer.FunctionResponse[identityResult], error) {
	var resp infer.FunctionResponse[identityResult]
	c, err := f.session.get()
	if err != nil {
		return resp, err
	}
	who, err := c.account(ctx)
	if err != nil {
		return resp, err
	}
	account := aws.ToString(who.Account)
	resp.Output = identityResult{AccountId: account, Arn: aws.ToString(who.Arn), Id: account, UserId: aws.ToString(who.UserId)}
	return resp, nil
}
