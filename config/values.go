package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// SecretMarker stands for a secret in what Values returns. It is never
// decrypted there: that takes the stack's own keys.
const SecretMarker = "[secret]"

// Secret is a text that is not shown: every way to print or encode it gives
// SecretMarker. Reveal is the one way to it.
type Secret string

// Reveal is the text itself.
func (s Secret) Reveal() string { return string(s) }

// Format prints SecretMarker for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, SecretMarker) }

// MarshalText encodes SecretMarker.
func (s Secret) MarshalText() ([]byte, error) { return []byte(SecretMarker), nil }

// maxStackFile bounds what Values reads, in bytes.
const maxStackFile = 1 << 20

// Values reads the text of a Pulumi.<stack>.yaml file into the same keys and
// strings as Pulumi hands to a program, so that a bad file can be refused
// before an engine starts. Secrets become SecretMarker. What the keys mean is
// for Load to say; the error is about YAML alone, on one line.
func Values(stackFile []byte) (map[string]string, error) {
	if len(stackFile) > maxStackFile {
		return nil, fmt.Errorf("read stack file: it has %d bytes, more than %d", len(stackFile), maxStackFile)
	}
	var file struct {
		Config map[string]any `yaml:"config"`
	}
	if err := yaml.Unmarshal(stackFile, &file); err != nil {
		return nil, fmt.Errorf("read stack file: not the YAML of a stack file: %s", oneLine(err))
	}
	values := make(map[string]string, len(file.Config))
	for _, key := range sortedKeys(file.Config) {
		v, err := simplify(file.Config[key])
		if err != nil {
			return nil, fmt.Errorf("read stack file: %s: %w", key, err)
		}
		switch v := v.(type) {
		case nil:
			values[key] = ""
		case string:
			values[key] = v
		default:
			encoded, err := json.Marshal(v)
			if err != nil {
				return nil, fmt.Errorf("read stack file: %s: %w", key, err)
			}
			values[key] = string(encoded)
		}
	}
	return values, nil
}

// oneLine is YAML's error without its prefix and line breaks.
func oneLine(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	text = strings.TrimPrefix(text, "unmarshal errors:")
	return strings.Join(strings.Fields(text), " ")
}

// simplify turns decoded YAML into what JSON can say, as Pulumi does.
func simplify(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 1 {
			if _, secret := v["secure"].(string); secret {
				return SecretMarker, nil
			}
		}
		for _, name := range sortedKeys(v) {
			simple, err := simplify(v[name])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			v[name] = simple
		}
		return v, nil
	case map[any]any:
		named := make(map[string]any, len(v))
		for name, value := range v {
			named[fmt.Sprint(name)] = value
		}
		return simplify(named)
	case []any:
		for i := range v {
			simple, err := simplify(v[i])
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			v[i] = simple
		}
		return v, nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, errors.New("is not a number that can be written down")
		}
		return v, nil
	case time.Time:
		return v.String(), nil
	default:
		return v, nil
	}
}
