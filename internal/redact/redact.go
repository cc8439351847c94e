// Package redact takes secrets out of what is kept or shown: events, journals,
// artifacts. It is the second line: the engine hides what the graph calls
// secret, and the toolkit prints no secret. What is caught here are private
// keys and passwords in texts that neither knows of.
package redact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
)

// Hidden stands where a secret was, as in the engine's own texts.
const Hidden = "[secret]"

var (
	privateKey = regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)`)
	// A name that ends in one of these words, and what is assigned to it.
	assigned = regexp.MustCompile(`(?i)([\w.-]*(?:password|passphrase|secret|secret_?key|token)["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s"',;&]+)`)
	// user:password@ in a URL.
	userInfo = regexp.MustCompile(`(://[^/\s:@]+:)[^/\s@]+@`)
)

// Text is a text without the secrets that it can be seen to hold.
func Text(text string) string {
	text = privateKey.ReplaceAllString(text, Hidden)
	text = assigned.ReplaceAllString(text, "${1}"+Hidden)
	return userInfo.ReplaceAllString(text, "${1}"+Hidden+"@")
}

// JSON is v as one line of JSON whose texts are redacted. The values of
// properties that are named like a secret are hidden too.
func JSON(v any) ([]byte, error) {
	text, err := encode(v)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // numbers stay as they were written
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, fmt.Errorf("redact: %w", err)
	}
	return encode(walk(tree))
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("redact: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// secretName is a property whose text is a secret whatever it looks like.
var secretName = regexp.MustCompile(`(?i)^(privateKey\w*|private_key\w*|\w*password|\w*passphrase)$`)

func walk(value any) any {
	switch v := value.(type) {
	case string:
		return Text(v)
	case []any:
		for i := range v {
			v[i] = walk(v[i])
		}
	case map[string]any:
		for key, inner := range v {
			if text, isText := inner.(string); isText && text != "" && secretName.MatchString(key) {
				v[key] = Hidden
				continue
			}
			v[key] = walk(inner)
		}
	}
	return value
}
