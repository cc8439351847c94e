package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kraftstack/internal/fail"
	"kraftstack/render"
)

// UserOutput is one user of the stack.
type UserOutput struct {
	Name           string
	Authentication string
	Rules          []string // as render.UserRules makes them
	// Login is a password, or a private key and a certificate as PEM.
	Login Secret
}

// User finds a user by name.
func (o Outputs) User(name string) (UserOutput, bool) {
	at := slices.IndexFunc(o.Users, func(u UserOutput) bool { return u.Name == name })
	if at < 0 {
		return UserOutput{}, false
	}
	return o.Users[at], true
}

// UsersView compares the users of the stack with those of the cluster.
type UsersView struct {
	Users []UserView `json:"users"` // those of the stack, in its order
	// Others are on the cluster and not in the stack. Nothing removes them but
	// a person.
	Others []OtherView `json:"others"`
}

// UserView is one user of the stack.
type UserView struct {
	Name           string   `json:"name"`
	Authentication string   `json:"authentication"`
	Rules          int      `json:"rules"`
	Quotas         int      `json:"quotas"`
	Missing        []string `json:"missing,omitempty"` // what the stack says and the cluster lacks
	Extra          []string `json:"extra,omitempty"`   // what the cluster has and the stack does not say
}

// OtherView is somebody whom the stack does not know, and what he has: a
// principal such as User:bob, or the entity of a quota.
type OtherView struct {
	Principal string   `json:"principal"`
	Has       []string `json:"has"`
}

// UserDifference is what one of them lacks, or has and should not.
type UserDifference struct {
	Who   string // a user of the stack, or a principal that it does not know
	What  string // what is wrong with Lines: "has beyond the stack"
	Lines []string
	// Lacks says that the cluster does not have the lines; otherwise it has them
	// and the stack does not say so.
	Lacks bool
}

// Differing lists what is not as the stack says, its own users first.
func (v UsersView) Differing() []UserDifference {
	var all []UserDifference
	add := func(d UserDifference) {
		if len(d.Lines) > 0 {
			all = append(all, d)
		}
	}
	for _, u := range v.Users {
		add(UserDifference{Who: u.Name, What: "lacks, and the next change of it makes", Lines: u.Missing, Lacks: true})
		add(UserDifference{Who: u.Name, What: "has beyond the stack", Lines: u.Extra})
	}
	for _, other := range v.Others {
		add(UserDifference{Who: other.Principal, What: "is not in the stack and has", Lines: other.Has})
	}
	return all
}

// Differences counts the lines of Differing.
func (v UsersView) Differences() int {
	n := 0
	for _, d := range v.Differing() {
		n += len(d.Lines)
	}
	return n
}

// Users asks the cluster for its users, rules and quotas. The error is a
// *fail.Error, as from Dial, or fail.Unhealthy where no broker could tell.
func Users(ctx context.Context, out Outputs) (UsersView, error) {
	ctx, cancel := context.WithTimeout(ctx, StatusTimeout)
	defer cancel()
	t, err := Dial(ctx, out)
	if err != nil {
		return UsersView{}, err
	}
	defer func() { _ = t.Close() }()
	brokers, err := t.probe(ctx, out.with(RoleBroker))
	if err != nil {
		return UsersView{}, err
	}
	defer brokers.close()
	view, err := compareUsers(ctx, brokers, out)
	if err != nil {
		return UsersView{}, &fail.Error{Cause: fail.Unhealthy, Op: "ask the cluster for its users", Err: err,
			Next: "kraftstack status --stack " + out.Stack}
	}
	return view, nil
}

func compareUsers(ctx context.Context, brokers *panel, out Outputs) (UsersView, error) {
	has := holdings{}
	for _, look := range []func(context.Context, *panel) error{has.credentials, has.rules, has.quotas} {
		if err := look(ctx, brokers); err != nil {
			return UsersView{}, err
		}
	}
	// The administrator is the stack's own, and no user of it.
	has.drop("User:"+out.Access.User, scramLine)
	view := UsersView{Users: []UserView{}, Others: []OtherView{}}
	for _, user := range out.Users {
		principal := "User:" + user.Name
		view.Users = append(view.Users, userView(user, has[principal]))
		delete(has, principal)
	}
	for _, principal := range slices.Sorted(maps.Keys(has)) {
		slices.Sort(has[principal])
		view.Others = append(view.Others, OtherView{principal, has[principal]})
	}
	return view, nil
}

func userView(user UserOutput, has []string) UserView {
	v := UserView{Name: user.Name, Authentication: user.Authentication}
	for _, line := range user.Rules {
		switch {
		case strings.HasPrefix(line, "acl "):
			v.Rules++
		case strings.HasPrefix(line, "quota "):
			v.Quotas++
		}
		if !slices.Contains(has, line) {
			v.Missing = append(v.Missing, line)
		}
	}
	for _, line := range has {
		if !slices.Contains(user.Rules, line) {
			v.Extra = append(v.Extra, line)
		}
	}
	slices.Sort(v.Extra)
	return v
}

// holdings are what each principal has on the cluster, in the lines of
// render.UserRules.
type holdings map[string][]string

func (h holdings) add(principal, line string) { h[principal] = append(h[principal], line) }

func (h holdings) drop(principal, line string) {
	h[principal] = slices.DeleteFunc(h[principal], func(have string) bool { return have == line })
	if len(h[principal]) == 0 {
		delete(h, principal)
	}
}

// scramLine is the line of a user with a credential of the kind that the stack
// gives.
const scramLine = "scram"

const scramSHA512 = 2 // org.apache.kafka.clients.admin.ScramMechanism

func (h holdings) credentials(ctx context.Context, p *panel) error {
	resp, err := ask(ctx, p, kmsg.NewPtrDescribeUserSCRAMCredentialsRequest(), func(resp *kmsg.DescribeUserSCRAMCredentialsResponse) error {
		return kerr.ErrorForCode(resp.ErrorCode)
	})
	if err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	for _, user := range resp.Results {
		for _, credential := range user.CredentialInfos {
			line := scramLine
			if credential.Mechanism != scramSHA512 {
				line = "scram of mechanism " + strconv.Itoa(int(credential.Mechanism))
			}
			h.add("User:"+user.User, line)
		}
	}
	return nil
}

func (h holdings) rules(ctx context.Context, p *panel) error {
	req := kmsg.NewPtrDescribeACLsRequest()
	req.ResourceType, req.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	req.Operation, req.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	resp, err := ask(ctx, p, req, func(resp *kmsg.DescribeACLsResponse) error { return kerr.ErrorForCode(resp.ErrorCode) })
	if err != nil {
		return fmt.Errorf("access rules: %w", err)
	}
	for _, resource := range resp.Resources {
		for _, acl := range resource.ACLs {
			h.add(acl.Principal, render.UserRule(word(acl.PermissionType.String()), operation(acl.Operation),
				word(resource.ResourceType.String()), resource.ResourceName, word(resource.ResourcePatternType.String()), acl.Host))
		}
	}
	return nil
}

// twoPhaseCommit is an operation that kmsg has no name for yet (KIP-939).
const twoPhaseCommit = 15

func operation(code kmsg.ACLOperation) string {
	if code == twoPhaseCommit {
		return "twoPhaseCommit"
	}
	return word(code.String())
}

// word is one of Kafka's constants as a stack file spells it: DESCRIBE_CONFIGS
// is describeConfigs.
func word(constant string) string {
	var b strings.Builder
	for i, part := range strings.Split(strings.ToLower(constant), "_") {
		if i > 0 && part != "" {
			part = strings.ToUpper(part[:1]) + part[1:]
		}
		b.WriteString(part)
	}
	return b.String()
}

func (h holdings) quotas(ctx context.Context, p *panel) error {
	resp, err := ask(ctx, p, kmsg.NewPtrDescribeClientQuotasRequest(), func(resp *kmsg.DescribeClientQuotasResponse) error {
		return kerr.ErrorForCode(resp.ErrorCode)
	})
	if err != nil {
		return fmt.Errorf("quotas: %w", err)
	}
	for _, entry := range resp.Entries {
		principal := entity(entry.Entity)
		for _, value := range entry.Values {
			h.add(principal, render.UserQuota(value.Key, value.Value))
		}
	}
	return nil
}

// entity is whom a quota is for: a user alone by the name of his rules, anybody
// else by the parts that Kafka knows him by.
func entity(parts []kmsg.DescribeClientQuotasResponseEntryEntity) string {
	var words []string
	for _, part := range parts {
		name := "any" // of those that have no quota of their own
		if part.Name != nil {
			name = *part.Name
		}
		words = append(words, part.Type+" "+name)
	}
	slices.Sort(words)
	if name, user := strings.CutPrefix(words[0], "user "); user && len(words) == 1 && parts[0].Name != nil {
		return "User:" + name
	}
	return strings.Join(words, ", ")
}
