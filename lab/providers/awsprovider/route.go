package awsprovider

import (
	"context"
	"hash/crc32"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

type routeArgs struct {
	RouteTableId           string  `pulumi:"routeTableId" provider:"replaceOnChanges"`
	DestinationCidrBlock   string  `pulumi:"destinationCidrBlock" provider:"replaceOnChanges"`
	GatewayId              *string `pulumi:"gatewayId,optional"`
	NatGatewayId           *string `pulumi:"natGatewayId,optional"`
	VpcPeeringConnectionId *string `pulumi:"vpcPeeringConnectionId,optional"`
}

type routeState struct {
	routeArgs
	Origin string `pulumi:"origin"`
	State  string `pulumi:"state"`
}

func (s *routeState) made() bool { return s.Origin != "" }

type route struct{}

func (route) token() (string, string) { return "ec2/route", "Route" }

func (route) plan(_ *cloud, old routeState, in routeArgs) routeState {
	old.routeArgs = in
	return old
}

func (in routeArgs) subject() string { return in.DestinationCidrBlock + " in " + in.RouteTableId }

// routeID is made the way the real provider makes it.
func (in routeArgs) routeID() string {
	return "r-" + in.RouteTableId + strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(in.DestinationCidrBlock))), 10)
}

func (d route) create(ctx context.Context, c *cloud, in routeArgs, st *routeState) (string, error) {
	req, done := once(ctx)
	defer done()
	if _, err := findRoute(req, c, in); err == nil {
		return "", failed("CreateRoute", in.subject(), errRouteExists)
	}
	_, err := c.ec2.CreateRoute(req, &ec2.CreateRouteInput{
		RouteTableId:           aws.String(in.RouteTableId),
		DestinationCidrBlock:   aws.String(in.DestinationCidrBlock),
		GatewayId:              in.GatewayId,
		NatGatewayId:           in.NatGatewayId,
		VpcPeeringConnectionId: in.VpcPeeringConnectionId,
	})
	if err != nil {
		return "", failed("CreateRoute", in.subject(), err)
	}
	return in.routeID(), d.fill(req, c, in, st)
}

func (route) fill(ctx context.Context, c *cloud, in routeArgs, st *routeState) error {
	r, err := findRoute(ctx, c, in)
	if err != nil {
		return err
	}
	st.Origin, st.State = string(r.Origin), string(r.State)
	if st.Origin == "" { // the emulator leaves it out
		st.Origin = string(types.RouteOriginCreateRoute)
	}
	return nil
}

func findRoute(ctx context.Context, c *cloud, in routeArgs) (types.Route, error) {
	t, err := describeRouteTable(ctx, c, in.RouteTableId)
	if err != nil {
		return types.Route{}, err
	}
	for _, r := range t.Routes {
		if aws.ToString(r.DestinationCidrBlock) == in.DestinationCidrBlock {
			return r, nil
		}
	}
	return types.Route{}, errGone
}

func (d route) read(ctx context.Context, c *cloud, _ string, in *routeArgs, st *routeState) error {
	r, err := findRoute(ctx, c, st.routeArgs)
	if err != nil {
		return err
	}
	in.GatewayId, in.NatGatewayId, in.VpcPeeringConnectionId = r.GatewayId, r.NatGatewayId, r.VpcPeeringConnectionId
	st.routeArgs = *in
	return d.fill(ctx, c, *in, st)
}

func (d route) update(ctx context.Context, c *cloud, _ string, _ routeState, in routeArgs, st *routeState) error {
	_, err := c.ec2.ReplaceRoute(ctx, &ec2.ReplaceRouteInput{
		RouteTableId:           aws.String(in.RouteTableId),
		DestinationCidrBlock:   aws.String(in.DestinationCidrBlock),
		GatewayId:              in.GatewayId,
		NatGatewayId:           in.NatGatewayId,
		VpcPeeringConnectionId: in.VpcPeeringConnectionId,
	})
	if err != nil {
		return failed("ReplaceRoute", in.subject(), err)
	}
	return d.fill(ctx, c, in, st)
}

func (route) remove(ctx context.Context, c *cloud, _ string, st routeState) error {
	return deleting(ctx, "DeleteRoute", st.subject(), func(ctx context.Context) error {
		_, err := c.ec2.DeleteRoute(ctx, &ec2.DeleteRouteInput{
			RouteTableId: aws.String(st.RouteTableId), DestinationCidrBlock: aws.String(st.DestinationCidrBlock)})
		return err
	})
}
