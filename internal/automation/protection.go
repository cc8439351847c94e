package automation

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"kraftstack/internal/fail"
)

// checkProtection refuses to destroy a stack whose disks or hosts are
// protected. The engine and EC2 would refuse too, but only when they come to
// the resource.
func (s *Stack) checkProtection(ctx context.Context) error {
	op := "destroy stack " + s.Name
	exported, err := s.inner.Export(ctx)
	if err != nil {
		return Classify(op, err, nil)
	}
	if len(exported.Deployment) == 0 {
		return nil // a stack that never made anything
	}
	var state apitype.DeploymentV3
	if err := json.Unmarshal(exported.Deployment, &state); err != nil {
		return &fail.Error{Cause: fail.Internal, Op: op, Err: fmt.Errorf("read the stack's state: %w", err)}
	}
	disks, hosts := protected(state.Resources)
	if len(disks)+len(hosts) == 0 {
		return nil
	}
	var what, lift []string
	if len(disks) > 0 {
		what = append(what, plural(len(disks), "data volume")+" ("+brief(disks)+")")
		lift = append(lift, "pulumi config set --path kraftstack:hosts.protectData false --stack "+s.Name)
	}
	if len(hosts) > 0 {
		what = append(what, plural(len(hosts), "host")+" ("+brief(hosts)+")")
		lift = append(lift, "pulumi config set --path kraftstack:hosts.terminationProtection false --stack "+s.Name)
	}
	lift = append(lift, "kraftstack up --stack "+s.Name, "kraftstack destroy --stack "+s.Name)
	return &fail.Error{
		Cause: fail.Policy, Op: op, Err: fmt.Errorf("%s may not be deleted: protection is on, and nothing was changed", strings.Join(what, " and ")),
		Next: strings.Join(lift, "\n"),
	}
}

// protected lists the protected disks, and the hosts that may not be terminated.
func protected(resources []apitype.ResourceV3) (disks, hosts []string) {
	for _, r := range resources {
		name := r.URN.Name()
		if r.Protect {
			disks = append(disks, name)
		}
		if on, _ := r.Inputs["disableApiTermination"].(bool); on && r.Type == "aws:ec2/instance:Instance" {
			hosts = append(hosts, name)
		}
	}
	return disks, hosts
}

// brief is a list of names that stays short.
func brief(names []string) string {
	const most = 3
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
