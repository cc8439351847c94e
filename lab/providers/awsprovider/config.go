package awsprovider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// session is the provider's side of one connection: the configuration that the
// engine gave on it.
type session struct {
	options Options

	mu    sync.Mutex
	cloud *cloud
}

// errNotConfigured is what an operation gets on a connection that the engine
// never configured.
var errNotConfigured = errors.New("aws: this connection was never configured with a region " +
	"(the lab's daemon was restarted during the operation, or the engine reconnected); run the command again")

func (s *session) get() (*cloud, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cloud == nil {
		return nil, errNotConfigured
	}
	return s.cloud, nil
}

func (s *session) configure(_ context.Context, req p.ConfigureRequest) error {
	cfg, failures := parseConfig(req.Args)
	if len(failures) > 0 {
		reasons := make([]string, len(failures))
		for i, f := range failures {
			reasons[i] = f.Reason
		}
		return errors.New("aws: " + strings.Join(reasons, "; "))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cloud = newCloud(s.options, cfg)
	return nil
}

// settings are the provider's arguments that the stand-in gives a meaning.
type settings struct {
	region      string
	profile     string
	defaultTags map[string]string
}

var regionForm = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)

func parseConfig(args property.Map) (settings, []p.CheckFailure) {
	var cfg settings
	var failures []p.CheckFailure
	fail := func(key, format string, a ...any) {
		failures = append(failures, p.CheckFailure{Property: key, Reason: fmt.Sprintf(format, a...)})
	}
	for _, key := range sortedKeys(args.AsMap()) {
		v := args.Get(key)
		switch {
		case key == "version" || strings.HasPrefix(key, "__") || v.IsNull() || v.IsComputed():
		case key == "region" && v.IsString():
			cfg.region = v.AsString()
		case key == "profile" && v.IsString():
			cfg.profile = v.AsString()
		case key == "defaultTags":
			tags, err := defaultTags(v)
			if err != nil {
				fail(key, "aws:defaultTags: %v; it has the form {tags: {name: value}}", err)
			}
			cfg.defaultTags = tags
		case isSDKDefault(key, v):
			// The SDK fills these in on every explicit provider; with these
			// values they mean what the lab does anyway.
		default:
			fail(key, "aws:%s: the lab's aws stand-in takes only region, profile and defaultTags", key)
		}
	}
	return cfg, append(failures, cfg.check(args)...)
}

// check refuses settings with which the provider could not serve the lab. What
// is not known yet is checked when it is.
func (cfg settings) check(args property.Map) (failures []p.CheckFailure) {
	fail := func(key, format string, a ...any) {
		failures = append(failures, p.CheckFailure{Property: key, Reason: fmt.Sprintf(format, a...)})
	}
	if cfg.region == "" && !args.Get("region").IsComputed() {
		fail("region", "aws:region is missing: set it in the stack file, for example us-east-1")
	} else if cfg.region != "" && !regionForm.MatchString(cfg.region) {
		fail("region", "aws:region %q is no AWS region, for example us-east-1", cfg.region)
	}
	if cfg.profile != LabProfile && !args.Get("profile").IsComputed() {
		fail("profile", "aws:profile is %q, but this shell is attached to the lab, which serves only stacks with aws:profile: %s; "+
			"unset PULUMI_DEBUG_PROVIDERS to reach Amazon", cfg.profile, LabProfile)
	}
	return failures
}

// isSDKDefault tells whether the setting is one that the SDK itself sends when
// the program says nothing.
func isSDKDefault(key string, v property.Value) bool {
	want := map[string]bool{"skipCredentialsValidation": false, "skipRegionValidation": true, "skipMetadataApiCheck": true}
	def, ok := want[key]
	if !ok {
		return false
	}
	if v.IsBool() {
		return v.AsBool() == def
	}
	return v.IsString() && v.AsString() == strconv.FormatBool(def)
}

// defaultTags reads {tags: {…}}, as an object or as the JSON text in which the
// engine hands nested configuration over.
func defaultTags(v property.Value) (map[string]string, error) {
	if v.IsString() {
		var parsed struct {
			Tags map[string]string `json:"tags"`
		}
		dec := json.NewDecoder(strings.NewReader(v.AsString()))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&parsed); err != nil {
			return nil, err
		}
		return parsed.Tags, nil
	}
	if !v.IsMap() {
		return nil, errors.New("not an object")
	}
	tags := map[string]string{}
	for key, inner := range v.AsMap().AsMap() {
		if key != "tags" || !inner.IsMap() {
			return nil, fmt.Errorf("unknown key %q", key)
		}
		for name, value := range inner.AsMap().AsMap() {
			if !value.IsString() {
				return nil, fmt.Errorf("the value of tag %q is not a string", name)
			}
			tags[name] = value.AsString()
		}
	}
	return tags, nil
}

func checkConfig(_ context.Context, req p.CheckRequest) (p.CheckResponse, error) {
	_, failures := parseConfig(req.Inputs)
	return p.CheckResponse{Inputs: req.Inputs, Failures: failures}, nil
}

// diffConfig replaces the provider, and with it all its resources, only when
// the region changes, as the real provider does.
func diffConfig(_ context.Context, req p.DiffRequest) (p.DiffResponse, error) {
	resp := p.DiffResponse{DetailedDiff: map[string]p.PropertyDiff{}}
	keys := map[string]bool{}
	for k := range req.OldInputs.AsMap() {
		keys[k] = true
	}
	for k := range req.Inputs.AsMap() {
		keys[k] = true
	}
	names := sortedKeys(keys)
	sort.Strings(names)
	for _, key := range names {
		if key == "version" || strings.HasPrefix(key, "__") || req.OldInputs.Get(key).Equals(req.Inputs.Get(key)) {
			continue
		}
		d := p.PropertyDiff{Kind: p.Update, InputDiff: true}
		if key == "region" {
			d.Kind = p.UpdateReplace
		}
		resp.HasChanges = true
		resp.DetailedDiff[key] = d
	}
	return resp, nil
}
