package render

import (
	"crypto/sha256"
	"encoding/base64"
)

// UUID makes a Kafka UUID out of a seed: 22 characters of URL-safe base64 over
// 16 bytes, the same for the same seed. It is a version 4 UUID in form, so it is
// none of those that Kafka reserves (they have no version), and it never begins
// with a hyphen, which Kafka's tools would take for an option (KAFKA-15754).
func UUID(seed []byte) string {
	for sum := sha256.Sum256(seed); ; sum = sha256.Sum256(sum[:]) {
		id := sum[:16]
		id[6] = id[6]&0x0f | 0x40
		id[8] = id[8]&0x3f | 0x80
		if text := base64.RawURLEncoding.EncodeToString(id); text[0] != '-' {
			return text
		}
	}
}
