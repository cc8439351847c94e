package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

type eipAssociationArgs struct {
	AllocationId       string `pulumi:"allocationId" provider:"replaceOnChanges"`
	InstanceId         string `pulumi:"instanceId" provider:"replaceOnChanges"`
	AllowReassociation *bool  `pulumi:"allowReassociation,optional" provider:"replaceOnChanges"`
}

type eipAssociationState struct {
	eipAssociationArgs
	NetworkInterfaceId string `pulumi:"networkInterfaceId"`
	PrivateIpAddress   string `pulumi:"privateIpAddress"`
	PublicIp           string `pulumi:"publicIp"`
}

func (s *eipAssociationState) made() bool { return s.PublicIp != "" }

type eipAssociation struct{}

func (eipAssociation) token() (string, string) { return "ec2/eipAssociation", "EipAssociation" }

func (eipAssociation) plan(_ *cloud, old eipAssociationState, in eipAssociationArgs) eipAssociationState {
	old.eipAssociationArgs = in
	return old
}

func (d eipAssociation) create(ctx context.Context, c *cloud, in eipAssociationArgs, st *eipAssociationState) (string, error) {
	req, done := once(ctx)
	defer done()
	out, err := c.ec2.AssociateAddress(req, &ec2.AssociateAddressInput{
		AllocationId:       aws.String(in.AllocationId),
		InstanceId:         aws.String(in.InstanceId),
		AllowReassociation: in.AllowReassociation,
	})
	if err != nil {
		return "", failed("AssociateAddress with "+in.InstanceId, in.AllocationId, err)
	}
	id := aws.ToString(out.AssociationId)
	a, err := describeAddress(req, c, in.AllocationId)
	if err == nil {
		st.NetworkInterfaceId = aws.ToString(a.NetworkInterfaceId)
		st.PrivateIpAddress = aws.ToString(a.PrivateIpAddress)
		st.PublicIp = aws.ToString(a.PublicIp)
	}
	return id, err
}

// read: the association is gone as soon as the address has another one.
func (eipAssociation) read(ctx context.Context, c *cloud, id string, in *eipAssociationArgs, st *eipAssociationState) error {
	a, err := describeAddress(ctx, c, st.AllocationId)
	if err != nil {
		return err
	}
	if aws.ToString(a.AssociationId) != id {
		return errGone
	}
	in.InstanceId = aws.ToString(a.InstanceId)
	st.eipAssociationArgs = *in
	st.NetworkInterfaceId = aws.ToString(a.NetworkInterfaceId)
	st.PrivateIpAddress = aws.ToString(a.PrivateIpAddress)
	st.PublicIp = aws.ToString(a.PublicIp)
	return nil
}

// update is never asked for: every argument replaces.
func (eipAssociation) update(context.Context, *cloud, string, eipAssociationState, eipAssociationArgs, *eipAssociationState) error {
	return nil
}

func (eipAssociation) remove(ctx context.Context, c *cloud, id string, _ eipAssociationState) error {
	return deleting(ctx, "DisassociateAddress", id, func(ctx context.Context) error {
		_, err := c.ec2.DisassociateAddress(ctx, &ec2.DisassociateAddressInput{AssociationId: aws.String(id)})
		return err
	})
}
