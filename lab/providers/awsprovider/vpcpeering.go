package awsprovider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

type peeringOptions struct {
	AllowRemoteVpcDnsResolution *bool `pulumi:"allowRemoteVpcDnsResolution,optional"`
}

type vpcPeeringArgs struct {
	VpcId      string            `pulumi:"vpcId" provider:"replaceOnChanges"`
	PeerVpcId  string            `pulumi:"peerVpcId" provider:"replaceOnChanges"`
	AutoAccept *bool             `pulumi:"autoAccept,optional"`
	Requester  *peeringOptions   `pulumi:"requester,optional"`
	Accepter   *peeringOptions   `pulumi:"accepter,optional"`
	Tags       map[string]string `pulumi:"tags,optional"`
}

type vpcPeeringState struct {
	vpcPeeringArgs
	AcceptStatus string            `pulumi:"acceptStatus"`
	TagsAll      map[string]string `pulumi:"tagsAll"`
}

func (s *vpcPeeringState) made() bool { return s.AcceptStatus != "" }

type vpcPeering struct{}

func (vpcPeering) token() (string, string) {
	return "ec2/vpcPeeringConnection", "VpcPeeringConnection"
}

func (vpcPeering) plan(c *cloud, old vpcPeeringState, in vpcPeeringArgs) vpcPeeringState {
	old.vpcPeeringArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (d vpcPeering) create(ctx context.Context, c *cloud, in vpcPeeringArgs, st *vpcPeeringState) (string, error) {
	req, done := once(ctx)
	defer done()
	out, err := c.ec2.CreateVpcPeeringConnection(req, &ec2.CreateVpcPeeringConnectionInput{
		VpcId: aws.String(in.VpcId), PeerVpcId: aws.String(in.PeerVpcId),
		TagSpecifications: ec2TagSpec(types.ResourceTypeVpcPeeringConnection, st.TagsAll)})
	if err != nil {
		return "", failed("CreateVpcPeeringConnection", in.VpcId+" with "+in.PeerVpcId, err)
	}
	id := aws.ToString(out.VpcPeeringConnection.VpcPeeringConnectionId)
	if err := d.reach(req, c, id, types.VpcPeeringConnectionStateReasonCodePendingAcceptance); err != nil {
		return id, err
	}
	return id, d.accept(req, c, id, peeringOptions{}, peeringOptions{}, in, st)
}

// reach waits for a state, and ends early in one that leads nowhere.
func (vpcPeering) reach(ctx context.Context, c *cloud, id string, want types.VpcPeeringConnectionStateReasonCode) error {
	return await(ctx, id+" to be "+string(want), time.Minute, func(ctx context.Context) (bool, string, error) {
		p, err := describePeering(ctx, c, id)
		if err != nil {
			return false, "", err
		}
		switch p.Status.Code {
		case want, types.VpcPeeringConnectionStateReasonCodeActive:
			return true, "", nil
		case types.VpcPeeringConnectionStateReasonCodeFailed, types.VpcPeeringConnectionStateReasonCodeRejected, types.VpcPeeringConnectionStateReasonCodeExpired:
			return false, "", fmt.Errorf("aws: CreateVpcPeeringConnection for %s: %s: %s", id, p.Status.Code, aws.ToString(p.Status.Message))
		}
		return false, string(p.Status.Code), nil
	})
}

// accept accepts the connection and sets the options of both sides, which an
// accepted one alone can have.
func (d vpcPeering) accept(ctx context.Context, c *cloud, id string, requester, accepter peeringOptions, in vpcPeeringArgs, st *vpcPeeringState) error {
	p, err := describePeering(ctx, c, id)
	if err != nil {
		return err
	}
	if orFalse(in.AutoAccept) && p.Status.Code == types.VpcPeeringConnectionStateReasonCodePendingAcceptance {
		if _, err := c.ec2.AcceptVpcPeeringConnection(ctx, &ec2.AcceptVpcPeeringConnectionInput{VpcPeeringConnectionId: aws.String(id)}); err != nil {
			return failed("AcceptVpcPeeringConnection", id, err)
		}
		if err := d.reach(ctx, c, id, types.VpcPeeringConnectionStateReasonCodeActive); err != nil {
			return err
		}
	}
	ask := &ec2.ModifyVpcPeeringConnectionOptionsInput{
		VpcPeeringConnectionId:            aws.String(id),
		RequesterPeeringConnectionOptions: optionChange(requester, in.Requester),
		AccepterPeeringConnectionOptions:  optionChange(accepter, in.Accepter),
	}
	if ask.RequesterPeeringConnectionOptions != nil || ask.AccepterPeeringConnectionOptions != nil {
		if _, err := c.ec2.ModifyVpcPeeringConnectionOptions(ctx, ask); err != nil {
			return failed("ModifyVpcPeeringConnectionOptions", id, err)
		}
	}
	if p, err = describePeering(ctx, c, id); err == nil {
		st.AcceptStatus = string(p.Status.Code)
	}
	return err
}

func optionChange(old peeringOptions, want *peeringOptions) *types.PeeringConnectionOptionsRequest {
	if want == nil || orFalse(old.AllowRemoteVpcDnsResolution) == orFalse(want.AllowRemoteVpcDnsResolution) {
		return nil
	}
	return &types.PeeringConnectionOptionsRequest{AllowDnsResolutionFromRemoteVpc: want.AllowRemoteVpcDnsResolution}
}

// describePeering takes a deleted connection, which AWS lists for hours, for
// one that is gone.
func describePeering(ctx context.Context, c *cloud, id string) (types.VpcPeeringConnection, error) {
	out, err := c.ec2.DescribeVpcPeeringConnections(ctx, &ec2.DescribeVpcPeeringConnectionsInput{VpcPeeringConnectionIds: []string{id}})
	if notFound(err) || err == nil && len(out.VpcPeeringConnections) == 0 {
		return types.VpcPeeringConnection{}, errGone
	}
	if err != nil {
		return types.VpcPeeringConnection{}, failed("DescribeVpcPeeringConnections", id, err)
	}
	p := out.VpcPeeringConnections[0]
	if p.Status.Code == types.VpcPeeringConnectionStateReasonCodeDeleted || p.Status.Code == types.VpcPeeringConnectionStateReasonCodeDeleting {
		return p, errGone
	}
	return p, nil
}

func (vpcPeering) read(ctx context.Context, c *cloud, id string, in *vpcPeeringArgs, st *vpcPeeringState) error {
	p, err := describePeering(ctx, c, id)
	if err != nil {
		return err
	}
	in.VpcId, in.PeerVpcId = aws.ToString(p.RequesterVpcInfo.VpcId), aws.ToString(p.AccepterVpcInfo.VpcId)
	in.Requester, in.Accepter = foundOptions(in.Requester, p.RequesterVpcInfo), foundOptions(in.Accepter, p.AccepterVpcInfo)
	st.TagsAll, in.Tags = c.foundTags(fromEC2Tags(p.Tags), in.Tags)
	st.vpcPeeringArgs = *in
	st.AcceptStatus = string(p.Status.Code)
	return nil
}

func foundOptions(given *peeringOptions, side *types.VpcPeeringConnectionVpcInfo) *peeringOptions {
	if side.PeeringOptions == nil {
		return given
	}
	found := side.PeeringOptions.AllowDnsResolutionFromRemoteVpc
	if given == nil && !orFalse(found) {
		return nil
	}
	return &peeringOptions{AllowRemoteVpcDnsResolution: found}
}

func (d vpcPeering) update(ctx context.Context, c *cloud, id string, old vpcPeeringState, in vpcPeeringArgs, st *vpcPeeringState) error {
	var requester, accepter peeringOptions
	if old.Requester != nil {
		requester = *old.Requester
	}
	if old.Accepter != nil {
		accepter = *old.Accepter
	}
	if err := d.accept(ctx, c, id, requester, accepter, in, st); err != nil {
		return err
	}
	return c.retag(ctx, id, old.TagsAll, st.TagsAll)
}

func (vpcPeering) remove(ctx context.Context, c *cloud, id string, _ vpcPeeringState) error {
	_, err := c.ec2.DeleteVpcPeeringConnection(ctx, &ec2.DeleteVpcPeeringConnectionInput{VpcPeeringConnectionId: aws.String(id)})
	if err != nil && !notFound(err) {
		return failed("DeleteVpcPeeringConnection", id, err)
	}
	return await(ctx, id+" to be deleted", time.Minute, func(ctx context.Context) (bool, string, error) {
		p, err := describePeering(ctx, c, id)
		if errors.Is(err, errGone) {
			return true, "", nil
		}
		return false, string(p.Status.Code), err
	})
}
