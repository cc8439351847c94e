package config

// Security is kraftstack:security.
type Security struct {
	Clients          string // "scram" (default) or "plaintext"
	ValidityHours    int    // of the brokers' certificates for clients; default 8760
	RenewBeforeHours int    // default a quarter of ValidityHours
}

// What security.clients can say.
const (
	ClientsScram     = "scram"     // user and password over TLS
	ClientsPlaintext = "plaintext" // no names and no encryption
)

// The two users that may do anything. Their names are not for others.
const (
	NodeUser  = "kraftstack-node"  // every node, by its certificate
	AdminUser = "kraftstack-admin" // made when the cluster is
)

// renewalQuarter is the part of its life that a certificate has left when it is
// renewed.
const renewalQuarter = 4

func (r *reader) security() {
	s := &r.stack.Security
	if !r.sound("security.validityHours", "security.renewBeforeHours") {
		return
	}
	if !r.has("security.renewBeforeHours") {
		s.RenewBeforeHours = s.ValidityHours / renewalQuarter
	}
	if s.RenewBeforeHours >= s.ValidityHours {
		r.problem(Namespace+":security.renewBeforeHours", s.RenewBeforeHours,
			"is as long as a certificate is valid, so that every up would renew all of them", "less than security.validityHours")
	}
}
