package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// parse reads JSON text, numbers as json.Number.
func parse(text string) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return v, nil
}

// convert turns a parsed value into what a field of that kind holds, or says
// what is wrong with its type.
func convert(k kind, v any) (value any, wrong string) {
	switch k {
	case text:
		if s, ok := v.(string); ok {
			return s, ""
		}
		return nil, "is not text"
	case number:
		return whole(v)
	case boolean:
		if b, ok := v.(bool); ok {
			return b, ""
		}
		return nil, "is not true or false"
	case textList:
		return texts(v)
	case zoneList:
		if _, ok := v.([]any); ok {
			return texts(v)
		}
		if n, wrong := whole(v); wrong == "" {
			return n, ""
		}
		return nil, "is neither a list of text nor a number"
	case secret:
		if s, ok := v.(string); ok {
			return Secret(s), ""
		}
		return nil, "is not text"
	case scalars:
		if m, ok := v.(map[string]any); ok {
			return m, ""
		}
		return nil, "is not an object"
	default:
		return nil, "cannot be set"
	}
}

// whole reads a number without a fraction. Text is refused even if it reads as
// a number: "3" in a stack file is as likely a slip as a wish.
func whole(v any) (any, string) {
	n, ok := v.(json.Number)
	if !ok {
		return nil, "is not a number"
	}
	i, err := strconv.Atoi(plain(n))
	if err != nil {
		return nil, "is not a whole number"
	}
	return i, ""
}

// maxExponent bounds what plain spells out.
const maxExponent = 30

// plain writes a number as a person would: Pulumi may hand over 1e+09.
func plain(n json.Number) string {
	text := n.String()
	mantissa, exponent, scientific := strings.Cut(strings.ToLower(text), "e")
	if e, err := strconv.Atoi(exponent); scientific && (err != nil || e > maxExponent || e < -maxExponent || len(mantissa) > maxExponent) {
		return text
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return text
	}
	if r.IsInt() {
		return r.Num().String()
	}
	if !scientific {
		return text
	}
	return strings.TrimRight(r.FloatString(2*maxExponent), "0")
}

func texts(v any) (any, string) {
	list, ok := v.([]any)
	if !ok {
		return nil, "is not a list"
	}
	out := make([]string, 0, len(list))
	for _, item := range list {
		s, isText := item.(string)
		if !isText {
			return nil, "has an item that is not text"
		}
		if s == SecretMarker {
			return nil, "has a secret item, which this field cannot take"
		}
		out = append(out, s)
	}
	return out, ""
}

// sortedKeys lists a map's keys in order.
func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
