package render

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
)

// scramIterations is twice Kafka's least.
const scramIterations = 8192

// ScramEntry is a user's credentials as kafka-storage format takes them: salted
// (RFC 5802), so that the password itself is on no host. Equal arguments give
// an equal entry.
func ScramEntry(user, password, salt string) (string, error) {
	seed := sha256.Sum256([]byte("salt of " + user + "\x00" + salt))
	salted, err := pbkdf2.Key(sha512.New, password, seed[:], scramIterations, sha512.Size)
	if err != nil {
		return "", fmt.Errorf("credentials of %s: %w", user, err)
	}
	return fmt.Sprintf(`SCRAM-SHA-512=[name=%s,iterations=%d,salt="%s",saltedpassword="%s"]`, user, scramIterations,
		base64.StdEncoding.EncodeToString(seed[:]), base64.StdEncoding.EncodeToString(salted)), nil
}
