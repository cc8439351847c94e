package awsprovider

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// kind is what the stand-in knows about one resource type besides its methods.
type kind struct {
	inferred infer.InferredResource
	token    string
	args     reflect.Type
	known    map[string]bool
	// autoName is the argument that gets "<resource name>-<7 hex digits>" when
	// the program gives none, as the real provider does; "" when there is none.
	autoName string
	// hints says for a refused argument what to use in its place.
	hints map[string]string
	// check finds what AWS would refuse, in known values only.
	check  func(in property.Map) []p.CheckFailure
	adjust func(in property.Map, resp *p.DiffResponse)
}

func (k kind) unknown(in property.Map) []p.CheckFailure {
	var failures []p.CheckFailure
	for _, name := range sortedKeys(in.AsMap()) {
		if k.known[name] || strings.HasPrefix(name, "__") {
			continue
		}
		reason := fmt.Sprintf("the lab's stand-in for %s does not have the argument %q", k.token, name)
		if hint := k.hints[name]; hint != "" {
			reason += "; " + hint
		}
		failures = append(failures, p.CheckFailure{Property: name, Reason: reason})
	}
	return failures
}

func (k kind) validate(in property.Map) []p.CheckFailure {
	if k.check == nil {
		return nil
	}
	return k.check(in)
}

// argNames lists the `pulumi` tags of a struct type, embedded structs included.
func argNames(t reflect.Type) map[string]bool {
	names := map[string]bool{}
	for _, f := range reflect.VisibleFields(t) {
		if tag, ok := f.Tag.Lookup("pulumi"); ok {
			names[strings.Split(tag, ",")[0]] = true
		}
	}
	return names
}

// autoName keeps the name that the resource has, or makes one from the
// engine's seed, so that a preview and the update after it can agree.
func autoName(k kind, req p.CheckRequest) property.Map {
	if _, given := req.Inputs.GetOk(k.autoName); given {
		return req.Inputs
	}
	if old := text(req.State, k.autoName); isAutoName(old, req.Urn.Name()) {
		return req.Inputs.Set(k.autoName, property.New(old))
	}
	digits := make([]byte, 4)
	if len(req.RandomSeed) > 0 {
		sum := sha256.Sum256(req.RandomSeed)
		copy(digits, sum[:])
	} else {
		_, _ = rand.Read(digits) // never fails since Go 1.24
	}
	name := req.Urn.Name() + "-" + hex.EncodeToString(digits)[:7]
	return req.Inputs.Set(k.autoName, property.New(name))
}

func isAutoName(name, resource string) bool {
	suffix, ok := strings.CutPrefix(name, resource+"-")
	if !ok || len(suffix) != 7 {
		return false
	}
	return strings.Trim(suffix, "0123456789abcdef") == ""
}

// keepsFixedName tells whether a replacement would be created under the name
// that the old one still holds. With an automatic name a new one is chosen by
// the engine's replacement check.
func keepsFixedName(k kind, req p.DiffRequest) bool {
	name := text(req.Inputs, k.autoName)
	return name != "" && name == text(req.OldInputs, k.autoName)
}
