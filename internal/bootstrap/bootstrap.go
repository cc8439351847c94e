// Package bootstrap makes what a stack's state needs before there is a stack: an
// S3 bucket for the state and a KMS key for the secrets in it. Both outlive every
// stack, which is why no stack makes them.
package bootstrap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"kraftstack/internal/account"
)

// Options say where the state goes.
type Options struct {
	Region  string
	Profile string // of the AWS credentials; empty: the environment's
	Bucket  string // default kraftstack-state-ACCOUNT-REGION
	Alias   string // of the KMS key, without alias/; default kraftstack-state
}

// Result is what stacks are told of it.
type Result struct {
	Bucket          string `json:"bucket"`
	KeyARN          string `json:"keyArn"`
	Backend         string `json:"backend"`         // for pulumi login
	SecretsProvider string `json:"secretsProvider"` // for a stack file's secretsprovider
	Made            bool   `json:"made"`            // something was not there before
}

// client holds the three services.
type client struct {
	s3  *s3.Client
	kms *kms.Client
	sts *sts.Client
	own bool // an endpoint of one's own, which names buckets in the path
}

func newClient(ctx context.Context, o Options) (*client, error) {
	loaded, err := account.Config(ctx, o.Region, o.Profile)
	if err != nil {
		return nil, err
	}
	own := os.Getenv("AWS_ENDPOINT_URL") != ""
	return &client{
		s3:  s3.NewFromConfig(loaded, func(s *s3.Options) { s.UsePathStyle = own }),
		kms: kms.NewFromConfig(loaded), sts: sts.NewFromConfig(loaded), own: own,
	}, nil
}

// UsualBucket is the name of an account's bucket where nobody has given it another.
func UsualBucket(account, region string) string { return "kraftstack-state-" + account + "-" + region }

// bucketName is S3's own rule for names, without dots, which break TLS.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)

// Run makes the bucket and the key, or mends what somebody has changed on them.
// It may be run at any time, also beside running stacks.
func Run(ctx context.Context, o Options) (Result, error) {
	c, err := newClient(ctx, o)
	if err != nil {
		return Result{}, err
	}
	who, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Result{}, fmt.Errorf("ask AWS which account this is: %w", err)
	}
	number := aws.ToString(who.Account)
	if o.Bucket == "" {
		o.Bucket = UsualBucket(number, o.Region)
	}
	if o.Alias == "" {
		o.Alias = "kraftstack-state"
	}
	if !bucketName.MatchString(o.Bucket) {
		return Result{}, fmt.Errorf("%q cannot name a bucket: 3 to 63 lower case letters, digits and hyphens", o.Bucket)
	}
	result := Result{Bucket: o.Bucket, Backend: c.backend(o), SecretsProvider: "awskms://alias/" + o.Alias + "?region=" + o.Region}
	var key, bucket bool
	if result.KeyARN, key, err = c.key(ctx, o.Alias); err != nil {
		return result, err
	}
	if bucket, err = c.bucket(ctx, o, number); err != nil {
		return result, err
	}
	result.Made = key || bucket
	for _, step := range []struct {
		what string
		do   func(context.Context, string, string) error
	}{
		{"block public access to", c.blockPublicAccess}, {"keep old versions in", c.keepVersions},
		{"encrypt", c.encrypt}, {"admit TLS alone to", c.admitTLSOnly}, {"clean up", c.expireVersions},
	} {
		if err := step.do(ctx, o.Bucket, result.KeyARN); err != nil {
			return result, fmt.Errorf("%s bucket %s: %w", step.what, o.Bucket, err)
		}
	}
	return result, nil
}

// backend is the bucket as Pulumi's login takes it.
func (c *client) backend(o Options) string {
	url := "s3://" + o.Bucket + "?region=" + o.Region
	if c.own {
		url += "&use_path_style=true"
	}
	return url + "&awssdk=v2"
}

// key finds the key by its alias, or makes one that AWS renews every year.
func (c *client) key(ctx context.Context, alias string) (arn string, made bool, err error) {
	name := "alias/" + alias
	found, err := c.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &name})
	if err == nil {
		return aws.ToString(found.KeyMetadata.Arn), false, nil
	}
	if !account.Answered(err, "NotFoundException") {
		return "", false, fmt.Errorf("look for key %s: %w", name, err)
	}
	key, err := c.kms.CreateKey(ctx, &kms.CreateKeyInput{Description: aws.String("Secrets and state of kraftstack's stacks")})
	if err != nil {
		return "", false, fmt.Errorf("make a KMS key: %w", err)
	}
	id := key.KeyMetadata.KeyId
	if _, err = c.kms.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: id}); err != nil {
		return "", true, fmt.Errorf("have key %s renewed: %w", aws.ToString(id), err)
	}
	if _, err = c.kms.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &name, TargetKeyId: id}); err != nil {
		return "", true, fmt.Errorf("name key %s %s: %w", aws.ToString(id), name, err)
	}
	return aws.ToString(key.KeyMetadata.Arn), true, nil
}

// errForeign is a bucket of that name in another account: names are the world's.
var errForeign = errors.New("a bucket of that name belongs to somebody else, or this account may not use it; name another one with --bucket")

// policy lets nobody in without TLS (AWS Foundational Security Best Practices
// S3.5). Who may come in at all is for IAM to say.
func policy(bucket string) (string, error) {
	arn := "arn:aws:s3:::" + bucket
	text, err := json.Marshal(map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{map[string]any{
			"Sid": "TLSOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
			"Resource":  []string{arn, arn + "/*"},
			"Condition": map[string]any{"Bool": map[string]string{"aws:SecureTransport": "false"}},
		}},
	})
	return string(text), err
}

// Login is the command line that stores stacks there.
func (r Result) Login() string {
	return "pulumi login '" + strings.ReplaceAll(r.Backend, "'", "") + "'"
}
