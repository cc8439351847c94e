package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// account asks for the id of the account that the lab plays.
func (c *cloud) account(ctx context.Context) (*sts.GetCallerIdentityOutput, error) {
	out, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, failed("GetCallerIdentity", "the lab's account", err)
	}
	return out, nil
}

// ownArn is the name of an EC2 resource of the lab's account.
func (c *cloud) ownArn(ctx context.Context, rest string) (string, error) {
	who, err := c.account(ctx)
	if err != nil {
		return "", err
	}
	return c.ec2ARN(aws.ToString(who.Account), rest), nil
}
