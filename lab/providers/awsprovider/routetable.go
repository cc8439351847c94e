package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

type routeTableArgs struct {
	VpcId string            `pulumi:"vpcId" provider:"replaceOnChanges"`
	Tags  map[string]string `pulumi:"tags,optional"`
}

type routeTableState struct {
	routeTableArgs
	Arn     string            `pulumi:"arn"`
	OwnerId string            `pulumi:"ownerId"`
	TagsAll map[string]string `pulumi:"tagsAll"`
}

func (s *routeTableState) made() bool { return s.Arn != "" }

type routeTable struct{}

func (routeTable) token() (string, string) { return "ec2/routeTable", "RouteTable" }

func (routeTable) plan(c *cloud, old routeTableState, in routeTableArgs) routeTableState {
	old.routeTableArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (routeTable) create(ctx context.Context, c *cloud, in routeTableArgs, st *routeTableState) (string, error) {
	req, done := once(ctx)
	defer done()
	out, err := c.ec2.CreateRouteTable(req, &ec2.CreateRouteTableInput{
		VpcId: aws.String(in.VpcId), TagSpecifications: ec2TagSpec(types.ResourceTypeRouteTable, st.TagsAll)})
	if err != nil {
		return "", failed("CreateRouteTable", in.VpcId, err)
	}
	id := aws.ToString(out.RouteTable.RouteTableId)
	st.OwnerId = aws.ToString(out.RouteTable.OwnerId)
	st.Arn = c.ec2ARN(st.OwnerId, "route-table/"+id)
	return id, nil
}

func describeRouteTable(ctx context.Context, c *cloud, id string) (types.RouteTable, error) {
	out, err := c.ec2.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{RouteTableIds: []string{id}})
	if notFound(err) || err == nil && len(out.RouteTables) == 0 {
		return types.RouteTable{}, errGone
	}
	if err != nil {
		return types.RouteTable{}, failed("DescribeRouteTables", id, err)
	}
	return out.RouteTables[0], nil
}

func (routeTable) read(ctx context.Context, c *cloud, id string, in *routeTableArgs, st *routeTableState) error {
	t, err := describeRouteTable(ctx, c, id)
	if err != nil {
		return err
	}
	in.VpcId = aws.ToString(t.VpcId)
	st.TagsAll, in.Tags = c.foundTags(fromEC2Tags(t.Tags), in.Tags)
	st.OwnerId = aws.ToString(t.OwnerId)
	st.Arn = c.ec2ARN(st.OwnerId, "route-table/"+id)
	st.routeTableArgs = *in
	return nil
}

func (routeTable) update(ctx context.Context, c *cloud, id string, old routeTableState, _ routeTableArgs, st *routeTableState) error {
	return c.retag(ctx, id, old.TagsAll, st.TagsAll)
}

func (routeTable) remove(ctx context.Context, c *cloud, id string, _ routeTableState) error {
	return deleting(ctx, "DeleteRouteTable", id, func(ctx context.Context) error {
		_, err := c.ec2.DeleteRouteTable(ctx, &ec2.DeleteRouteTableInput{RouteTableId: aws.String(id)})
		return err
	})
}
