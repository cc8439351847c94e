package bootstrap

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"kraftstack/internal/account"
)

// bucket makes the bucket where it is not there.
func (c *client) bucket(ctx context.Context, o Options, owner string) (made bool, err error) {
	_, err = c.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &o.Bucket, ExpectedBucketOwner: &owner})
	switch {
	case err == nil:
		return false, nil
	case account.Answered(err, "Forbidden", "AccessDenied", "403"):
		return false, fmt.Errorf("look for bucket %s: %w", o.Bucket, errForeign)
	case !account.Answered(err, "NotFound", "NoSuchBucket", "404"):
		return false, fmt.Errorf("look for bucket %s: %w", o.Bucket, err)
	}
	ask := &s3.CreateBucketInput{Bucket: &o.Bucket, ObjectOwnership: types.ObjectOwnershipBucketOwnerEnforced}
	if o.Region != "us-east-1" { // which is where a bucket without a place goes, and may not be named
		ask.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(o.Region)}
	}
	_, err = c.s3.CreateBucket(ctx, ask)
	if account.Answered(err, "BucketAlreadyExists") {
		err = errForeign
	}
	if err != nil {
		return false, fmt.Errorf("make bucket %s: %w", o.Bucket, err)
	}
	return true, nil
}

func (c *client) blockPublicAccess(ctx context.Context, bucket, _ string) error {
	_, err := c.s3.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
		Bucket: &bucket, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
			BlockPublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(true), IgnorePublicAcls: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true),
		},
	})
	return err
}

// keepVersions brings back a state that was overwritten or deleted.
func (c *client) keepVersions(ctx context.Context, bucket, _ string) error {
	_, err := c.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	return err
}

func (c *client) encrypt(ctx context.Context, bucket, key string) error {
	_, err := c.s3.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{
		Bucket: &bucket, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
			Rules: []types.ServerSideEncryptionRule{{
				BucketKeyEnabled: aws.Bool(true), // one call to KMS for many objects
				ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{
					SSEAlgorithm: types.ServerSideEncryptionAwsKms, KMSMasterKeyID: &key,
				},
			}},
		},
	})
	return err
}

func (c *client) admitTLSOnly(ctx context.Context, bucket, _ string) error {
	text, err := policy(bucket)
	if err != nil {
		return err
	}
	_, err = c.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &text})
	return err
}

// oldVersionDays is how long an overwritten state can be brought back.
const oldVersionDays = 90

func (c *client) expireVersions(ctx context.Context, bucket, _ string) error {
	_, err := c.s3.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{
		Bucket: &bucket, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{
			ID: aws.String("old-versions"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")},
			NoncurrentVersionExpiration:    &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(oldVersionDays)},
			AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(7)},
		}}},
	})
	return err
}
