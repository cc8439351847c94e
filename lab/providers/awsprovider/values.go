package awsprovider

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: aws.String(name), Values: values}
}

func (c *cloud) ec2ARN(account, rest string) string {
	return fmt.Sprintf("arn:aws:ec2:%s:%s:%s", c.region, account, rest)
}

func orTrue(b *bool) bool  { return b == nil || *b }
func orFalse(b *bool) bool { return b != nil && *b }

// drift puts the value found in the cloud into an optional argument: an
// argument that is not given stays so while the cloud has its default.
func drift[T comparable](arg **T, found *T, def T) {
	if found == nil {
		found = &def
	}
	if *arg == nil && *found == def {
		return
	}
	value := *found
	*arg = &value
}

// driftGiven puts the value found into an argument only where the program
// gives one: the rest is computed by AWS.
func driftGiven[T any](arg **T, found *T) {
	if *arg != nil && found != nil {
		value := *found
		*arg = &value
	}
}

// keep gives an argument that AWS chose earlier when the program gives none.
func keep[T any](arg *T, old *T) *T {
	if arg != nil {
		return arg
	}
	return old
}

func int32Of(v *int) *int32 {
	if v == nil {
		return nil
	}
	n := int32(*v)
	return &n
}

func intOf(v *int32) *int {
	if v == nil {
		return nil
	}
	n := int(*v)
	return &n
}

// optional turns "" into no value.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
