package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"
)

// HostKeyError is a host that shows another key than the one the stack gave it.
type HostKeyError struct {
	Want, Got string // fingerprints
}

var _ error = (*HostKeyError)(nil)

// Error names both fingerprints.
func (e *HostKeyError) Error() string {
	return fmt.Sprintf("the host shows key %s, the stack gave it %s", e.Got, e.Want)
}

// pin is the one host key that is accepted.
type pin struct{ key ssh.PublicKey }

// parsePin reads a key in authorized_keys form.
func parsePin(text string) (pin, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil {
		return pin{}, errors.New("the stack's outputs hold no host key in authorized_keys form")
	}
	return pin{key}, nil
}

// algorithms are those that the pinned key can sign with. A server with keys
// of several types would otherwise offer one that is not pinned.
func (p pin) algorithms() []string {
	if p.key.Type() == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{p.key.Type()}
}

func (p pin) check(_ string, _ net.Addr, got ssh.PublicKey) error {
	if bytes.Equal(p.key.Marshal(), got.Marshal()) {
		return nil
	}
	return &HostKeyError{Want: ssh.FingerprintSHA256(p.key), Got: ssh.FingerprintSHA256(got)}
}

// refusedKey recognises the one hand shake failure that means "not with this
// key"; x/crypto/ssh has no type for it.
func refusedKey(err error) bool {
	return strings.Contains(err.Error(), "unable to authenticate")
}
