package awsprovider

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

// What AWS answers and the emulator does not.
var (
	errRouteExists error = &smithy.GenericAPIError{Code: "RouteAlreadyExists",
		Message: "the route table has a route to this destination already; remove it or import it"}
	errAssociated error = &smithy.GenericAPIError{Code: "Resource.AlreadyAssociated",
		Message: "the subnet is associated with another route table already"}
)

type routeTableAssociationArgs struct {
	RouteTableId string `pulumi:"routeTableId"`
	SubnetId     string `pulumi:"subnetId" provider:"replaceOnChanges"`
}

type routeTableAssociationState struct {
	routeTableAssociationArgs
}

type routeTableAssociation struct{}

func (routeTableAssociation) token() (string, string) {
	return "ec2/routeTableAssociation", "RouteTableAssociation"
}

func (routeTableAssociation) plan(_ *cloud, old routeTableAssociationState, in routeTableAssociationArgs) routeTableAssociationState {
	old.routeTableAssociationArgs = in
	return old
}

func (routeTableAssociation) create(ctx context.Context, c *cloud, in routeTableAssociationArgs, _ *routeTableAssociationState) (string, error) {
	req, done := once(ctx)
	defer done()
	subject := in.SubnetId + " with " + in.RouteTableId
	_, _, err := findAssociation(req, c, filter("association.subnet-id", in.SubnetId))
	if err == nil {
		return "", failed("AssociateRouteTable", subject, errAssociated)
	}
	if !errors.Is(err, errGone) {
		return "", err
	}
	out, err := c.ec2.AssociateRouteTable(req, &ec2.AssociateRouteTableInput{
		RouteTableId: aws.String(in.RouteTableId), SubnetId: aws.String(in.SubnetId)})
	if err != nil {
		return "", failed("AssociateRouteTable", subject, err)
	}
	return aws.ToString(out.AssociationId), nil
}

// findAssociation gives the explicit association that the filter selects: its
// id and the association with its table.
func findAssociation(ctx context.Context, c *cloud, f types.Filter) (string, types.RouteTableAssociation, error) {
	out, err := c.ec2.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: []types.Filter{f}})
	if err != nil {
		return "", types.RouteTableAssociation{}, failed("DescribeRouteTables", f.Values[0], err)
	}
	for _, t := range out.RouteTables {
		for _, a := range t.Associations {
			if id := aws.ToString(a.RouteTableAssociationId); id == f.Values[0] || aws.ToString(a.SubnetId) == f.Values[0] {
				return id, a, nil
			}
		}
	}
	return "", types.RouteTableAssociation{}, errGone
}

// read finds the association by its subnet: moving the subnet to another table
// gave it a new id, which an update cannot report to the engine.
func (routeTableAssociation) read(ctx context.Context, c *cloud, _ string, in *routeTableAssociationArgs, st *routeTableAssociationState) error {
	_, a, err := findAssociation(ctx, c, filter("association.subnet-id", st.SubnetId))
	if err != nil {
		return err
	}
	in.RouteTableId = aws.ToString(a.RouteTableId)
	in.SubnetId = aws.ToString(a.SubnetId)
	st.routeTableAssociationArgs = *in
	return nil
}

func (routeTableAssociation) update(ctx context.Context, c *cloud, _ string, old routeTableAssociationState, in routeTableAssociationArgs, _ *routeTableAssociationState) error {
	id, _, err := findAssociation(ctx, c, filter("association.subnet-id", old.SubnetId))
	if err != nil {
		return err
	}
	_, err = c.ec2.ReplaceRouteTableAssociation(ctx, &ec2.ReplaceRouteTableAssociationInput{
		AssociationId: aws.String(id), RouteTableId: aws.String(in.RouteTableId)})
	return failed("ReplaceRouteTableAssociation with "+in.RouteTableId, id, err)
}

func (routeTableAssociation) remove(ctx context.Context, c *cloud, _ string, st routeTableAssociationState) error {
	id, a, err := findAssociation(ctx, c, filter("association.subnet-id", st.SubnetId))
	if errors.Is(err, errGone) || err == nil && aws.ToString(a.RouteTableId) != st.RouteTableId {
		return nil
	}
	if err != nil {
		return err
	}
	return deleting(ctx, "DisassociateRouteTable", id, func(ctx context.Context) error {
		_, err := c.ec2.DisassociateRouteTable(ctx, &ec2.DisassociateRouteTableInput{AssociationId: aws.String(id)})
		return err
	})
}
