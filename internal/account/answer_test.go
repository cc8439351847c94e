package account

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/smithy-go"
)

func TestAnswer(t *testing.T) {
	refused := fmt.Errorf("operation error S3: PutObject, RequestID: X: %w", &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"})
	if got := Answer(refused).Error(); got != "AWS answers AccessDenied: no" {
		t.Errorf("got %q", got)
	}
	if !Answered(refused, "Forbidden", "AccessDenied") || Answered(refused, "NotFound") {
		t.Error("the answer's code is another one")
	}
	silence := errors.New("dial tcp: refused")
	if Answer(silence) != silence || Answered(silence, "") { //nolint:errorlint // the very same error
		t.Errorf("no answer became %v", Answer(silence))
	}
}
