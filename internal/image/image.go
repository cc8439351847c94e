// Package image compares the machine images of a stack with the newest ones.
package image

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"kraftstack/config"
)

// Row is the image of one architecture.
type Row struct {
	Architecture string `json:"architecture"` // "amd64" or "arm64"
	Image        string `json:"image"`        // as brokers.image names it
	Pinned       string `json:"pinned"`       // the id that hosts.ami says, "" for none
	Newest       string `json:"newest"`       // the id that its maker publishes now
}

// Behind tells whether a newer image is there than the pinned one.
func (r Row) Behind() bool { return r.Pinned != "" && r.Pinned != r.Newest }

// Latest asks which images are the newest, for each architecture that a stack
// has, in the order of its roles. An image of one's own has no newest one.
func Latest(ctx context.Context, reach aws.Config, stack config.Stack) ([]Row, error) {
	api := ssm.NewFromConfig(reach)
	var rows []Row
	seen := map[string]bool{}
	for _, instanceType := range stack.InstanceTypes() {
		architecture := config.Architecture(instanceType)
		parameter := config.NewestImage(stack.Brokers.Image, architecture)
		if seen[architecture] || parameter == "" {
			continue
		}
		seen[architecture] = true
		found, err := api.GetParameter(ctx, &ssm.GetParameterInput{Name: &parameter})
		if err != nil {
			return nil, fmt.Errorf("look up the newest %s image for %s: %w", stack.Brokers.Image, architecture, err)
		}
		rows = append(rows, Row{
			Architecture: architecture, Image: stack.Brokers.Image, Pinned: stack.Hosts.AMIs[architecture], Newest: aws.ToString(found.Parameter.Value),
		})
	}
	return rows, nil
}
