package awsprovider

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/pulumi/pulumi-go-provider/infer"
)

type lookupVpcArgs struct {
	Id      *string      `pulumi:"id,optional"`
	Default *bool        `pulumi:"default,optional"`
	Filters []nameFilter `pulumi:"filters,optional"`
}

type vpcAssociation struct {
	AssociationId string `pulumi:"associationId"`
	CidrBlock     string `pulumi:"cidrBlock"`
	State         string `pulumi:"state"`
}

// lookupVpcResult has what the program asks for; the SDK sees the rest as zero
// values.
type lookupVpcResult struct {
	Filters               []nameFilter      `pulumi:"filters,optional"`
	CidrBlock             string            `pulumi:"cidrBlock"`
	CidrBlockAssociations []vpcAssociation  `pulumi:"cidrBlockAssociations"`
	Default               bool              `pulumi:"default"`
	Id                    string            `pulumi:"id"`
	OwnerId               string            `pulumi:"ownerId"`
	State                 string            `pulumi:"state"`
	Tags                  map[string]string `pulumi:"tags"`
}

type getVpc struct{ session *session }

func (*getVpc) Annotate(a infer.Annotator) { a.SetToken("ec2/getVpc", "getVpc") }

// Invoke finds exactly one VPC, as the real function does.
func (f *getVpc) Invoke(ctx context.Context, req infer.FunctionRequest[lookupVpcArgs]) (infer.FunctionResponse[lookupVpcResult], error) {
	var resp infer.FunctionResponse[lookupVpcResult]
	c, err := f.session.get()
	if err != nil {
		return resp, err
	}
	in := req.Input
	ask := &ec2.DescribeVpcsInput{Filters: filtersOf(in.Filters)}
	if in.Id != nil {
		ask.VpcIds = []string{*in.Id}
	}
	if in.Default != nil {
		ask.Filters = append(ask.Filters, filter("isDefault", strconv.FormatBool(*in.Default)))
	}
	out, err := c.ec2.DescribeVpcs(ctx, ask)
	if err != nil && !notFound(err) {
		return resp, failed("DescribeVpcs", c.region, err)
	}
	if err != nil || len(out.Vpcs) == 0 {
		return resp, fmt.Errorf("aws: getVpc: no matching EC2 VPC found in %s", c.region)
	}
	if len(out.Vpcs) > 1 {
		return resp, fmt.Errorf("aws: getVpc: %d EC2 VPCs match in %s; next: narrow the search", len(out.Vpcs), c.region)
	}
	v := out.Vpcs[0]
	r := lookupVpcResult{Filters: in.Filters, CidrBlock: aws.ToString(v.CidrBlock), Default: orFalse(v.IsDefault), Id: aws.ToString(v.VpcId),
		OwnerId: aws.ToString(v.OwnerId), State: string(v.State), Tags: fromEC2Tags(v.Tags), CidrBlockAssociations: []vpcAssociation{}}
	for _, a := range v.CidrBlockAssociationSet {
		one := vpcAssociation{AssociationId: aws.ToString(a.AssociationId), CidrBlock: aws.ToString(a.CidrBlock)}
		if a.CidrBlockState != nil {
			one.State = string(a.CidrBlockState.State)
		}
		r.CidrBlockAssociations = append(r.CidrBlockAssociations, one)
	}
	resp.Output = r
	return resp, nil
}

type routeTablesArgs struct {
	Filters []nameFilter `pulumi:"filters,optional"`
	VpcId   *string      `pulumi:"vpcId,optional"`
}

type routeTablesResult struct {
	routeTablesArgs
	Id  string   `pulumi:"id"`
	Ids []string `pulumi:"ids"`
}

type getRouteTables struct{ session *session }

func (*getRouteTables) Annotate(a infer.Annotator) {
	a.SetToken("ec2/getRouteTables", "getRouteTables")
}

func (f *getRouteTables) Invoke(ctx context.Context, req infer.FunctionRequest[routeTablesArgs]) (infer.FunctionResponse[routeTablesResult], error) {
	var resp infer.FunctionResponse[routeTablesResult]
	c, err := f.session.get()
	if err != nil {
		return resp, err
	}
	in := req.Input
	filters := filtersOf(in.Filters)
	if in.VpcId != nil {
		filters = append(filters, filter("vpc-id", *in.VpcId))
	}
	r := routeTablesResult{routeTablesArgs: in, Id: c.region, Ids: []string{}}
	pages := ec2.NewDescribeRouteTablesPaginator(c.ec2, &ec2.DescribeRouteTablesInput{Filters: filters})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return resp, failed("DescribeRouteTables", aws.ToString(in.VpcId), err)
		}
		for _, t := range page.RouteTables {
			r.Ids = append(r.Ids, aws.ToString(t.RouteTableId))
		}
	}
	slices.Sort(r.Ids)
	resp.Output = r
	return resp, nil
}
