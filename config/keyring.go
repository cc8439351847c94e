package config

import (
	"encoding/base64"
	"strings"
)

const (
	armorHead = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
	armorTail = "-----END PGP PUBLIC KEY BLOCK-----"
	// maxKeys in bytes: they travel to every host, and a few keys are enough.
	maxKeys = 64 * 1024
)

// KeysURL says whether the keys are an address to fetch them from.
func (k Kafka) KeysURL() bool { return strings.HasPrefix(k.Keys, "https://") }

func setKeys(s *Stack, v any) []flaw {
	given, _ := v.(string)
	s.Kafka.Keys = given
	if s.Kafka.KeysURL() {
		if wrong := addressForm(given); wrong != "" {
			return []flaw{{wrong: wrong, hide: strings.ContainsAny(given, "@?")}}
		}
		return nil
	}
	if wrong := keysForm(given); wrong != "" {
		return []flaw{{wrong: wrong, hide: true}} // too long to show
	}
	return nil
}

// keysForm looks at the armor alone; what is in it is for the host's gpgv to
// say. Text around the blocks, as Apache's KEYS file has it, is left alone.
func keysForm(text string) string {
	if len(text) > maxKeys {
		return "is longer than 64 KiB"
	}
	if strings.Contains(text, "PRIVATE KEY BLOCK") {
		return "has a private key in it, which nobody should have but its owner"
	}
	blocks := strings.Split(text, armorHead)
	if len(blocks) == 1 {
		return "is neither an https URL nor PGP keys"
	}
	for _, block := range blocks[1:] {
		armored, _, ended := strings.Cut(block, armorTail)
		_, body, blank := strings.Cut(strings.ReplaceAll(armored, "\r", ""), "\n\n")
		if at := strings.Index(body, "\n="); at >= 0 {
			body = body[:at] // the checksum
		}
		key, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "\n", ""))
		if !ended || !blank || err != nil || len(key) == 0 {
			return "has a key whose armor is damaged"
		}
	}
	return ""
}
