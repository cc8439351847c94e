package program_test

import (
	"context"
	"encoding/json"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"kraftstack/program"
	"kraftstack/tests/golden"
)

// monitor is an engine's side of a deployment, for what the SDK's mocks keep to
// themselves: the stack's outputs.
type monitor struct {
	pulumirpc.UnimplementedResourceMonitorServer
	pulumirpc.UnimplementedEngineServer

	answers recorder
	outputs resource.PropertyMap
}

var keep = plugin.MarshalOptions{KeepSecrets: true, KeepResources: true}

func (m *monitor) SupportsFeature(
	_ context.Context, in *pulumirpc.SupportsFeatureRequest,
) (*pulumirpc.SupportsFeatureResponse, error) {
	return &pulumirpc.SupportsFeatureResponse{HasSupport: in.GetId() != "outputValues"}, nil
}

func (m *monitor) RegisterResourceHook(context.Context, *pulumirpc.RegisterResourceHookRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (m *monitor) Log(context.Context, *pulumirpc.LogRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (m *monitor) Invoke(_ context.Context, in *pulumirpc.ResourceInvokeRequest) (*pulumirpc.ResourceInvokeResponse, error) {
	args, err := plugin.UnmarshalProperties(in.GetArgs(), keep)
	if err != nil {
		return nil, err
	}
	result, err := m.answers.Call(pulumi.MockCallArgs{Token: in.GetTok(), Args: args})
	if err != nil {
		return nil, err
	}
	values, err := plugin.MarshalProperties(result, keep)
	return &pulumirpc.ResourceInvokeResponse{Return: values}, err
}

func (m *monitor) RegisterResource(
	_ context.Context, in *pulumirpc.RegisterResourceRequest,
) (*pulumirpc.RegisterResourceResponse, error) {
	urn := "urn:pulumi:test::kraftstack::" + in.GetType() + "::" + in.GetName()
	if in.GetType() == string(resource.RootStackType) {
		return &pulumirpc.RegisterResourceResponse{Urn: urn}, nil
	}
	inputs, err := plugin.UnmarshalProperties(in.GetObject(), keep)
	if err != nil {
		return nil, err
	}
	id, state, err := m.answers.NewResource(pulumi.MockResourceArgs{
		TypeToken: in.GetType(), Name: in.GetName(), Inputs: inputs, RegisterRPC: in,
	})
	if err != nil {
		return nil, err
	}
	var values *structpb.Struct
	values, err = plugin.MarshalProperties(state, keep)
	return &pulumirpc.RegisterResourceResponse{Urn: urn, Id: id, Object: values}, err
}

func (m *monitor) RegisterResourceOutputs(
	_ context.Context, in *pulumirpc.RegisterResourceOutputsRequest,
) (*emptypb.Empty, error) {
	outputs, err := plugin.UnmarshalProperties(in.GetOutputs(), keep)
	if err == nil && resource.URN(in.GetUrn()).Type() == resource.RootStackType {
		m.outputs = outputs
	}
	return &emptypb.Empty{}, err
}

// outputs runs the program and returns what it exports.
func outputs(t *testing.T, values map[string]any) resource.PropertyMap {
	t.Helper()
	m := &monitor{}
	stop := make(chan bool)
	server, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{Cancel: stop, Init: func(s *grpc.Server) error {
		pulumirpc.RegisterResourceMonitorServer(s, m)
		pulumirpc.RegisterEngineServer(s, m)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		close(stop)
		if err := <-server.Done; err != nil {
			t.Error(err)
		}
	}()
	err = pulumi.RunErr(program.Deploy, func(info *pulumi.RunInfo) {
		info.Project, info.Stack, info.Config = "kraftstack", "test", asConfig(t, values)
		info.MonitorAddr, info.EngineAddr = rpcAddress(server.Port), rpcAddress(server.Port)
	})
	if err != nil {
		t.Fatal(err)
	}
	return m.outputs
}

func rpcAddress(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

// TestOutputs holds what other programs read of a stack: a name that is gone
// breaks them. The driver's own reading is tested with the same file.
func TestOutputs(t *testing.T) {
	exported := outputs(t, small(map[string]any{"kraftstack:users": []any{map[string]any{
		"name": "shop", "acls": []any{map[string]any{"operations": []string{"read"}, "resource": "topic:orders"}},
	}}}))
	text, err := json.MarshalIndent(plain(resource.NewProperty(exported)), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "outputs.json", string(text)+"\n")
	var secret []string
	for _, name := range exported.StableKeys() {
		if exported[name].ContainsSecrets() {
			secret = append(secret, string(name))
		}
	}
	if diff := cmp.Diff([]string{"adminLogin", "sshPrivateKey", "userLogins"}, secret); diff != "" {
		t.Errorf("secret outputs (-want +got):\n%s", diff)
	}
}

// plain is a value as `pulumi stack output --json --show-secrets` prints it.
func plain(value resource.PropertyValue) any {
	return value.MapRepl(nil, func(v resource.PropertyValue) (any, bool) {
		if v.IsSecret() {
			return plain(v.SecretValue().Element), true
		}
		return nil, false
	})
}
