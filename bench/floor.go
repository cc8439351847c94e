package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-tls/sdk/v5/go/tls"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/lab/providers/attach"
	"kraftstack/lab/providers/commandprovider"
)

// program declares as many empty components and plain resources as the shape
// has, and nothing else.
func (s shape) program(ctx *pulumi.Context) error {
	components := make([]pulumi.Resource, s.components)
	for i := range components {
		var empty pulumi.ResourceState
		if err := ctx.RegisterComponentResource("kraftstack:bench:Empty", fmt.Sprintf("empty-%d", i), &empty); err != nil {
			return err
		}
		components[i] = &empty
	}
	for i := range s.plain {
		_, err := tls.NewPrivateKey(ctx, fmt.Sprintf("plain-%d", i), &tls.PrivateKeyArgs{
			Algorithm: pulumi.String("ED25519"),
		}, pulumi.Parent(components[i%len(components)]))
		if err != nil {
			return err
		}
	}
	return nil
}

// serveSilentCommand serves the lab's stand-in for remote commands with one
// difference: a command is on record and nobody was dialled. Each says that it
// printed a request for a certificate, which one of the steps of a host does.
func serveSilentCommand() (*attach.Server, error) {
	request, err := certificateRequest()
	if err != nil {
		return nil, err
	}
	return attach.Listen(attach.Provider{
		Name: commandprovider.Name, Version: commandprovider.Version,
		New: func() p.Provider {
			provider := commandprovider.New()
			provider.Create = func(_ context.Context, req p.CreateRequest) (p.CreateResponse, error) {
				state := req.Properties.Set("stdout", property.New(request)).Set("stderr", property.New(""))
				return p.CreateResponse{ID: "silent-" + req.Urn.Name(), Properties: state}, nil
			}
			return provider
		},
	}, 0, nil)
}

func certificateRequest() (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request})), nil
}
