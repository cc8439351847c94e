package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi-tls/sdk/v5/go/tls"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// User is who logs in to every host.
func (a *Access) User() string { return a.user }

// direct dials an address without a hop.
func (a *Access) direct(address pulumi.StringInput, key *tls.PrivateKey, shown hostKey) remote.ConnectionArgs {
	return remote.ConnectionArgs{
		Host:           address,
		User:           pulumi.String(a.user),
		PrivateKey:     key.PrivateKeyOpenssh,
		HostKey:        shown.Public,
		DialErrorLimit: pulumi.Int(dialErrorLimit(a.timeout)),
		PerDialTimeout: pulumi.Int(perDialTimeout),
	}
}

// Connection is the one way that this program connects to a private host:
// through the bastion, or the jump that stands for it, with both host keys
// pinned. The key of each was made in this graph and given to the host by
// cloud-init, so there is no first use to trust.
func (a *Access) Connection(instance *ec2.Instance, key *tls.PrivateKey, shown hostKey) remote.ConnectionArgs {
	if a.Bastion == nil {
		// A session leads to an instance, whatever its address.
		connection := a.direct(instance.ID(), key, shown)
		connection.Proxy = a.sessions.jump
		connection.PerDialTimeout = pulumi.Int(perSessionTimeout)
		return connection
	}
	bastion := a.Bastion.connection
	connection := a.direct(instance.PrivateIp, key, shown)
	connection.Proxy = remote.ProxyConnectionArgs{
		Host: bastion.Host, User: bastion.User, PrivateKey: bastion.PrivateKey, HostKey: bastion.HostKey,
		DialErrorLimit: bastion.DialErrorLimit, PerDialTimeout: bastion.PerDialTimeout,
	}
	return connection
}

// perDialTimeout in seconds is for one try: far more than a connection takes
// that is answered at all, and short enough that a silent host does not eat
// many times the limit below.
const perDialTimeout = 5

// dialErrorLimit is how many failed tries make up the time that a host has to
// answer. A refused connection comes back at once, so all that spaces the
// tries is the command provider's back-off: 0.1 s, each time half as long
// again, at most 5 s (pulumi sdk, common/util/retry). Where tries are met with
// silence it takes about twice as long.
func dialErrorLimit(seconds int) int {
	const first, factor, longest = 0.1, 1.5, 5.0
	tries, waited, pause := 1, 0.0, first
	for waited < float64(seconds) {
		tries++
		waited += pause
		pause = min(pause*factor, longest)
	}
	return tries
}
