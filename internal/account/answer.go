package account

import (
	"errors"
	"fmt"
	"slices"

	"github.com/aws/smithy-go"
)

// Answered tells whether AWS answered with one of these codes.
func Answered(err error, codes ...string) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && slices.Contains(codes, api.ErrorCode())
}

// Answer is what AWS said, without the call and the ids of the request that the
// SDK's own error is full of. An error that is no answer of AWS stays as it is.
func Answer(err error) error {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return fmt.Errorf("AWS answers %s: %s", api.ErrorCode(), api.ErrorMessage())
	}
	return err
}
