package tlsprovider

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"reflect"
	"strings"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
)

type subject struct {
	CommonName   *string `pulumi:"commonName,optional"`
	Organization *string `pulumi:"organization,optional"`
}

func (s *subject) name() (name pkix.Name) {
	if s == nil {
		return name
	}
	if s.CommonName != nil {
		name.CommonName = *s.CommonName
	}
	if s.Organization != nil {
		name.Organization = []string{*s.Organization}
	}
	return name
}

type selfSignedArgs struct {
	AllowedUses         []string `pulumi:"allowedUses"`
	DNSNames            []string `pulumi:"dnsNames,optional"`
	EarlyRenewalHours   *int     `pulumi:"earlyRenewalHours,optional"`
	IsCACertificate     *bool    `pulumi:"isCaCertificate,optional"`
	PrivateKeyPem       string   `pulumi:"privateKeyPem" provider:"secret"`
	SetSubjectKeyID     *bool    `pulumi:"setSubjectKeyId,optional"`
	Subject             *subject `pulumi:"subject,optional"`
	ValidityPeriodHours int      `pulumi:"validityPeriodHours"`
}

type selfSignedState struct {
	selfSignedArgs
	validity
	CertPem      string `pulumi:"certPem"`
	KeyAlgorithm string `pulumi:"keyAlgorithm"`
}

// selfSigned is tls:index:SelfSignedCert.
type selfSigned struct{}

func (*selfSigned) Annotate(a infer.Annotator) { a.SetToken("index/selfSignedCert", "SelfSignedCert") }

func (*selfSigned) Check(ctx context.Context, req infer.CheckRequest) (infer.CheckResponse[selfSignedArgs], error) {
	in, failures, err := infer.DefaultCheck[selfSignedArgs](ctx, req.NewInputs)
	if err != nil || len(failures) > 0 {
		return infer.CheckResponse[selfSignedArgs]{Inputs: in, Failures: failures}, err
	}
	return infer.CheckResponse[selfSignedArgs]{Inputs: in, Failures: checkCertificate(in.AllowedUses, in.ValidityPeriodHours, in.EarlyRenewalHours)}, nil
}

func (*selfSigned) Create(_ context.Context, req infer.CreateRequest[selfSignedArgs]) (infer.CreateResponse[selfSignedState], error) {
	in := req.Inputs
	st := selfSignedState{selfSignedArgs: in}
	fail := func(err error) (infer.CreateResponse[selfSignedState], error) {
		return infer.CreateResponse[selfSignedState]{}, fmt.Errorf("tls: SelfSignedCert %s: %w", req.Name, err)
	}
	if req.DryRun {
		return infer.CreateResponse[selfSignedState]{Output: st}, nil
	}
	key, algorithm, err := parseKey(in.PrivateKeyPem)
	if err != nil {
		return fail(err)
	}
	template := &x509.Certificate{Subject: in.Subject.name(), DNSNames: in.DNSNames, IsCA: in.IsCACertificate != nil && *in.IsCACertificate}
	if in.SetSubjectKeyID != nil && *in.SetSubjectKeyID {
		if template.SubjectKeyId, err = subjectKeyID(key.Public()); err != nil {
			return fail(err)
		}
	}
	st.KeyAlgorithm = algorithm
	id, text, times, err := sign(template, key, in.AllowedUses, in.ValidityPeriodHours)
	if err != nil {
		return fail(err)
	}
	st.CertPem, st.validity = text, times
	return infer.CreateResponse[selfSignedState]{ID: id, Output: st}, nil
}

// Diff: every argument but earlyRenewalHours makes another certificate, and so
// does the time.
func (*selfSigned) Diff(_ context.Context, req infer.DiffRequest[selfSignedArgs, selfSignedState]) (infer.DiffResponse, error) {
	diff := infer.DiffResponse{DetailedDiff: map[string]p.PropertyDiff{}}
	now, before := reflect.ValueOf(req.Inputs), reflect.ValueOf(req.State.selfSignedArgs)
	for i := range now.NumField() {
		if reflect.DeepEqual(now.Field(i).Interface(), before.Field(i).Interface()) {
			continue
		}
		name, _, _ := strings.Cut(now.Type().Field(i).Tag.Get("pulumi"), ",")
		kind := p.UpdateReplace
		if name == "earlyRenewalHours" {
			kind = p.Update
		}
		diff.DetailedDiff[name] = p.PropertyDiff{Kind: kind, InputDiff: true}
	}
	due, err := req.State.due(req.Inputs.EarlyRenewalHours, time.Now())
	if err != nil {
		return diff, err
	}
	if due {
		diff.DetailedDiff["readyForRenewal"] = p.PropertyDiff{Kind: p.UpdateReplace}
	}
	diff.HasChanges = len(diff.DetailedDiff) > 0
	return diff, nil
}

func (*selfSigned) Update(_ context.Context, req infer.UpdateRequest[selfSignedArgs, selfSignedState]) (infer.UpdateResponse[selfSignedState], error) {
	st := req.State
	st.EarlyRenewalHours = req.Inputs.EarlyRenewalHours
	return infer.UpdateResponse[selfSignedState]{Output: st}, nil
}

// Read notes whether it is time, which a refresh then shows.
func (*selfSigned) Read(_ context.Context, req infer.ReadRequest[selfSignedArgs, selfSignedState]) (infer.ReadResponse[selfSignedArgs, selfSignedState], error) {
	due, err := req.State.due(req.State.EarlyRenewalHours, time.Now())
	req.State.ReadyForRenewal = due
	return infer.ReadResponse[selfSignedArgs, selfSignedState](req), err
}

// WireDependencies: nothing of a certificate is known before it is made. The
// key stays secret.
func (*selfSigned) WireDependencies(f infer.FieldSelector, args *selfSignedArgs, st *selfSignedState) {
	f.OutputField(&st.PrivateKeyPem).DependsOn(f.InputField(&args.PrivateKeyPem))
	f.OutputField(&st.PrivateKeyPem).AlwaysSecret()
	for _, output := range []any{&st.CertPem, &st.KeyAlgorithm, &st.ReadyForRenewal, &st.ValidityEndTime, &st.ValidityStartTime} {
		f.OutputField(output).NeverSecret()
	}
}
