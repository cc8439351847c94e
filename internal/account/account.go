// Package account finds the AWS account that a stack belongs to, for what the
// driver asks AWS itself.
package account

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

// Config is how AWS is reached in a region with the credentials of a profile,
// or those of the environment where profile is "".
func Config(ctx context.Context, region, profile string) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{config.WithRegion(region)}
	if profile != "" {
		options = append(options, config.WithSharedConfigProfile(profile))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("find AWS credentials: %w", err)
	}
	return loaded, nil
}
