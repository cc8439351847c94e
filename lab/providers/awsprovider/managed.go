package awsprovider

import (
	"context"
	"errors"
	"reflect"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// driver is what a resource type does: one file each. I are its arguments, S
// its state, which embeds I. Implementations are stateless.
type driver[I, S any] interface {
	// token gives the two last parts of the type token: "ec2/vpc", "Vpc".
	token() (module, name string)
	// plan gives the state that in leads to, as far as it is known beforehand.
	// old is the zero state for a new resource. It dials nothing.
	plan(c *cloud, old S, in I) S
	// create makes the thing and completes st. An id together with an error
	// means that the thing exists but is not as wanted: it stays in the state.
	create(ctx context.Context, c *cloud, in I, st *S) (id string, err error)
	// read brings st and in up to date: in only where the cloud differs from
	// it. It returns errGone when the thing does not exist.
	read(ctx context.Context, c *cloud, id string, in *I, st *S) error
	// update changes the thing in place from old to in and completes st.
	update(ctx context.Context, c *cloud, id string, old S, in I, st *S) error
	// remove deletes the thing and waits until it is gone. Gone is success.
	remove(ctx context.Context, c *cloud, id string, st S) error
}

// made is implemented by states that can tell a planned resource from an
// existing one.
type made interface{ made() bool }

// managed joins a driver to infer.
type managed[D driver[I, S], I, S any] struct{ session *session }

func (*managed[D, I, S]) Annotate(a infer.Annotator) {
	var d D
	module, name := d.token()
	a.SetToken(tokens.ModuleName(module), tokens.TypeName(name))
}

func (m *managed[D, I, S]) Create(ctx context.Context, req infer.CreateRequest[I]) (infer.CreateResponse[S], error) {
	var d D
	var none S
	c, err := m.session.get()
	if err != nil {
		return infer.CreateResponse[S]{}, err
	}
	st := d.plan(c, none, req.Inputs)
	if req.DryRun {
		return infer.CreateResponse[S]{Output: st}, nil
	}
	id, err := d.create(ctx, c, req.Inputs, &st)
	if err != nil && id != "" {
		err = infer.ResourceInitFailedError{Reasons: []string{err.Error()}}
	}
	return infer.CreateResponse[S]{ID: id, Output: st}, err
}

func (m *managed[D, I, S]) Read(ctx context.Context, req infer.ReadRequest[I, S]) (infer.ReadResponse[I, S], error) {
	var d D
	c, err := m.session.get()
	if err != nil {
		return infer.ReadResponse[I, S]{}, err
	}
	in, st := req.Inputs, req.State
	err = d.read(ctx, c, req.ID, &in, &st)
	if errors.Is(err, errGone) {
		return infer.ReadResponse[I, S]{}, nil
	}
	if err != nil {
		return infer.ReadResponse[I, S]{}, err
	}
	return infer.ReadResponse[I, S]{ID: req.ID, Inputs: in, State: st}, nil
}

func (m *managed[D, I, S]) Update(ctx context.Context, req infer.UpdateRequest[I, S]) (infer.UpdateResponse[S], error) {
	var d D
	c, err := m.session.get()
	if err != nil {
		return infer.UpdateResponse[S]{}, err
	}
	st := d.plan(c, req.State, req.Inputs)
	if req.DryRun {
		return infer.UpdateResponse[S]{Output: st}, nil
	}
	err = d.update(ctx, c, req.ID, req.State, req.Inputs, &st)
	return infer.UpdateResponse[S]{Output: st}, err
}

func (m *managed[D, I, S]) Delete(ctx context.Context, req infer.DeleteRequest[S]) (infer.DeleteResponse, error) {
	var d D
	c, err := m.session.get()
	if err != nil {
		return infer.DeleteResponse{}, err
	}
	return infer.DeleteResponse{}, d.remove(ctx, c, req.ID, req.State)
}

// WireDependencies keeps the outputs of an existing resource known in the
// preview of an update: a changed tag changes no address. What does change,
// plan says.
func (m *managed[D, I, S]) WireDependencies(f infer.FieldSelector, _ *I, state *S) {
	if s, ok := any(state).(made); ok && s.made() {
		f.OutputField(state).AlwaysKnown()
	}
}

// define makes the kind of a driver.
func define[D driver[I, S], I, S any](s *session, options ...func(*kind)) kind {
	var d D
	module, name := d.token()
	args := reflect.TypeFor[I]()
	k := kind{
		inferred: infer.Resource(&managed[D, I, S]{session: s}),
		token:    Name + ":" + module + ":" + name,
		args:     args,
		known:    argNames(args),
	}
	for _, o := range options {
		o(&k)
	}
	return k
}

func named(argument string) func(*kind) {
	return func(k *kind) { k.autoName = argument }
}

func hint(argument, text string) func(*kind) {
	return func(k *kind) {
		if k.hints == nil {
			k.hints = map[string]string{}
		}
		k.hints[argument] = text
	}
}

func checked(check func(property.Map) []p.CheckFailure) func(*kind) {
	return func(k *kind) { k.check = check }
}

func adjusted(adjust func(property.Map, *p.DiffResponse)) func(*kind) {
	return func(k *kind) { k.adjust = adjust }
}
