package awsprovider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// cloud is one region of the lab's AWS with the default tags of one provider.
type cloud struct {
	region      string
	defaultTags map[string]string
	isOff       func(instance string) bool // nil: nobody can tell
	ec2         *ec2.Client
	elb         *elb.Client
	iam         *iam.Client
	logs        *cloudwatchlogs.Client
	route53     *route53.Client
	ssm         *ssm.Client
	sts         *sts.Client
}

func newCloud(opts Options, cfg settings) *cloud {
	conf := aws.Config{
		Region:       cfg.region,
		BaseEndpoint: aws.String(opts.Endpoint),
		// The lab's AWS takes any key; these are no secrets.
		Credentials:      credentials.NewStaticCredentialsProvider("kraftstack", "kraftstack", ""),
		RetryMaxAttempts: 3,
	}
	return &cloud{
		region:      cfg.region,
		defaultTags: cfg.defaultTags,
		isOff:       opts.IsOff,
		ec2:         ec2.NewFromConfig(conf),
		elb:         elb.NewFromConfig(conf),
		iam:         iam.NewFromConfig(conf),
		logs:        cloudwatchlogs.NewFromConfig(conf),
		route53:     route53.NewFromConfig(conf),
		ssm:         ssm.NewFromConfig(conf),
		sts:         sts.NewFromConfig(conf),
	}
}

// errGone is returned by a read or a describe of something that is not there.
var errGone = errors.New("not there any more")

// failed says which operation on what failed, with AWS's own code and text.
func failed(operation, subject string, err error) error {
	if err == nil {
		return nil
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return fmt.Errorf("aws: %s for %s: %s: %s", operation, subject, api.ErrorCode(), api.ErrorMessage())
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("aws: %s for %s: interrupted: %w", operation, subject, err)
	}
	if strings.Contains(err.Error(), "connection refused") {
		return fmt.Errorf("aws: %s for %s: the lab's AWS API does not answer; see `kraftstack lab status`: %w", operation, subject, err)
	}
	return fmt.Errorf("aws: %s for %s: the lab's AWS API gave no AWS answer "+
		"(the action is not emulated or failed inside; see its log in the lab's folder): %w", operation, subject, err)
}

// hasCode tells whether AWS answered with one of these codes; a code ending in
// a dot stands for all that begin with it.
func hasCode(err error, codes ...string) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	for _, code := range codes {
		if api.ErrorCode() == code {
			return true
		}
	}
	return false
}

// notFound tells whether AWS says that the thing does not exist.
func notFound(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	code := api.ErrorCode()
	return strings.HasSuffix(code, ".NotFound") || strings.HasSuffix(code, "NotFoundException") ||
		code == "NatGatewayNotFound" || code == "NoSuchHostedZone" || code == "InvalidSecurityGroupRuleId.NotFound" ||
		code == "InvalidNatGatewayID.NotFound" || code == "InvalidAssociationID.NotFound"
}

// once keeps the request of a creating call alive when the engine is
// interrupted: its answer holds the id, without which the thing would be
// forgotten.
func once(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
}

// await asks until done, every interval, at most limit. what names the awaited
// condition for the error text; the state last seen is added to it.
func await(ctx context.Context, what string, limit time.Duration, ask func(context.Context) (done bool, state string, err error)) error {
	const interval = 250 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		done, state, err := ask(ctx)
		if err != nil {
			return err
		}
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("aws: waited %s for %s, last seen: %s", limit, what, state)
			}
			return fmt.Errorf("aws: waiting for %s (last seen: %s) was interrupted: %w", what, state, ctx.Err())
		case <-tick.C:
		}
	}
}

// deleteLimit bounds the retries of a deletion that something still holds: an
// interface of a terminating instance keeps its subnet and group for a while.
const deleteLimit = 3 * time.Minute

// deleting runs a deletion: gone already is success, a dependency is retried
// until deleteLimit.
func deleting(ctx context.Context, operation, subject string, do func(context.Context) error) error {
	var last error
	err := await(ctx, subject+" to have no dependents", deleteLimit, func(ctx context.Context) (bool, string, error) {
		last = do(ctx)
		switch {
		case last == nil || notFound(last):
			return true, "", nil
		case hasCode(last, "DependencyViolation", "InvalidIPAddress.InUse", "VolumeInUse", "IncorrectState", "ResourceInUse"):
			return false, failed(operation, subject, last).Error(), nil
		}
		return false, "", failed(operation, subject, last)
	})
	if err != nil && last != nil && hasCode(last, "DependencyViolation") {
		return fmt.Errorf("%w; next: see what still uses %s, remove it, and run the command again", err, subject)
	}
	return err
}
