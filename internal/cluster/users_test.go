package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kraftstack/internal/fail"
)

// populated gives the cluster users, rules and quotas of the stack's and of
// others.
func (k *kafka) populated() *kafka {
	k.out.Users = []UserOutput{
		{Name: "shop", Authentication: "scram", Rules: []string{
			"scram", "acl allow describe transactionalId:shop prefixed *", "acl allow read topic:orders literal *", "quota producer_byte_rate 1048576",
		}},
		{Name: "lost", Authentication: "scram", Rules: []string{"scram", "acl allow read topic:orders literal *"}},
	}
	k.ControlKey(50, func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		resp := req.ResponseKind().(*kmsg.DescribeUserSCRAMCredentialsResponse)
		for name, mechanism := range map[string]int8{"admin": 2, "shop": 2, "bob": 1} {
			user := kmsg.NewDescribeUserSCRAMCredentialsResponseResult()
			user.User = name
			info := kmsg.NewDescribeUserSCRAMCredentialsResponseResultCredentialInfo()
			info.Mechanism = mechanism
			user.CredentialInfos = append(user.CredentialInfos, info)
			resp.Results = append(resp.Results, user)
		}
		return resp, nil, true
	})
	k.ControlKey(29, func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		resp := req.ResponseKind().(*kmsg.DescribeACLsResponse)
		add := func(principal string, kind kmsg.ACLResourceType, name string, pattern kmsg.ACLResourcePatternType, operation kmsg.ACLOperation) {
			resource := kmsg.NewDescribeACLsResponseResource()
			resource.ResourceType, resource.ResourceName, resource.ResourcePatternType = kind, name, pattern
			acl := kmsg.NewDescribeACLsResponseResourceACL()
			acl.Principal, acl.Host, acl.Operation, acl.PermissionType = principal, "*", operation, kmsg.ACLPermissionTypeAllow
			resource.ACLs = append(resource.ACLs, acl)
			resp.Resources = append(resp.Resources, resource)
		}
		add("User:shop", kmsg.ACLResourceTypeTransactionalId, "shop", kmsg.ACLResourcePatternTypePrefixed, kmsg.ACLOperationDescribe)
		add("User:shop", kmsg.ACLResourceTypeTransactionalId, "by-hand", kmsg.ACLResourcePatternTypeLiteral, twoPhaseCommit)
		add("User:*", kmsg.ACLResourceTypeCluster, "kafka-cluster", kmsg.ACLResourcePatternTypeLiteral, kmsg.ACLOperationDescribeConfigs)
		return resp, nil, true
	})
	k.ControlKey(48, func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		resp := req.ResponseKind().(*kmsg.DescribeClientQuotasResponse)
		for name, value := range map[string]float64{"shop": 1048576, "": 7} {
			entry := kmsg.NewDescribeClientQuotasResponseEntry()
			entity := kmsg.NewDescribeClientQuotasResponseEntryEntity()
			entity.Type = "user"
			if name != "" {
				entity.Name = &name
			}
			quota := kmsg.NewDescribeClientQuotasResponseEntryValue()
			quota.Key, quota.Value = "producer_byte_rate", value
			entry.Entity, entry.Values = append(entry.Entity, entity), append(entry.Values, quota)
			resp.Entries = append(resp.Entries, entry)
		}
		return resp, nil, true
	})
	return k
}

func TestUsers(t *testing.T) {
	k := startKafka(t).scripted().populated()
	got, err := Users(within(t, 10*time.Second), k.out)
	if err != nil {
		t.Fatal(err)
	}
	want := UsersView{
		Users: []UserView{
			{
				Name: "shop", Authentication: "scram", Rules: 2, Quotas: 1,
				Missing: []string{"acl allow read topic:orders literal *"},
				Extra:   []string{"acl allow twoPhaseCommit transactionalId:by-hand literal *"},
			},
			{Name: "lost", Authentication: "scram", Rules: 1, Missing: []string{"scram", "acl allow read topic:orders literal *"}},
		},
		Others: []OtherView{
			{Principal: "User:*", Has: []string{"acl allow describeConfigs cluster:kafka-cluster literal *"}},
			{Principal: "User:bob", Has: []string{"scram of mechanism 1"}},
			{Principal: "user any", Has: []string{"quota producer_byte_rate 7"}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Differences() != 7 {
		t.Errorf("there are %d differences", got.Differences())
	}
	view, err := Status(within(t, 10*time.Second), k.out, StatusOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&want, view.Users); diff != "" || !view.Healthy {
		t.Errorf("users in status, healthy %v (-want +got):\n%s", view.Healthy, diff)
	}
}

func TestUsersWithAllBrokersDown(t *testing.T) {
	k := startKafka(t)
	k.Close()
	_, err := Users(within(t, 10*time.Second), k.out)
	if fail.Of(err) != fail.Unhealthy || !strings.Contains(err.Error(), "no host answers") {
		t.Errorf("got %v", err)
	}
}
