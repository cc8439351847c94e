package cluster

// View is what a look at the running cluster showed. Its JSON names are an
// interface: `kraftstack status --json` prints it, and pipelines read it.
// What could not be learned is null, never zero.
type View struct {
	Stack        string       `json:"stack"`
	ClusterID    string       `json:"clusterId"`              // as the brokers report it; the stack's where none answers
	KafkaVersion string       `json:"kafkaVersion,omitempty"` // oldest among the brokers, as far as their protocol shows it: "4.3"
	Metadata     *Metadata    `json:"metadataVersion"`        // null: no broker could say
	Quorum       *Quorum      `json:"quorum"`                 // null: no host could say
	Brokers      []BrokerView `json:"brokers"`                // by id
	Partitions   *Partitions  `json:"partitions"`             // null: no broker could say
	Users        *UsersView   `json:"users"`                  // null: no broker could say, or clients have no names
	// Certificates is null where brokers have none for clients.
	Certificates *Certificates `json:"certificates"`
	Hosts        []HostView    `json:"hosts,omitempty"` // only when asked for
	Healthy      bool          `json:"healthy"`         // exactly when there are no problems
	Problems     []string      `json:"problems"`        // one sentence each, worst first
	Warnings     []string      `json:"warnings"`        // what will be a problem if nobody does anything
}

// Metadata is how far the cluster has committed itself to a version of Kafka: the
// levels of its feature metadata.version.
type Metadata struct {
	Finalized int `json:"finalized"` // no Kafka that does not read it can run here any more
	Supported int `json:"supported"` // the newest that every broker that answers could have finalized
}

// Waits says whether a newer metadata version can be finalized.
func (m *Metadata) Waits() bool { return m != nil && m.Finalized < m.Supported }

// Quorum is the state of the metadata quorum.
type Quorum struct {
	Leader    int32     `json:"leader"` // -1: none
	Epoch     int32     `json:"epoch"`
	Voters    []Replica `json:"voters"`    // by id
	Observers []Replica `json:"observers"` // by id
}

// Replica is one copy of the metadata log.
type Replica struct {
	ID          int32  `json:"id"`
	Host        string `json:"host"`
	Lag         int64  `json:"lag"`                   // records behind the leader; -1: unknown
	CaughtUp    bool   `json:"caughtUp"`              // had all of the leader's records within the last five seconds
	DirectoryID string `json:"directoryId,omitempty"` // from Kafka 3.9 on
}

// BrokerView is one broker, known to the stack or to the cluster.
type BrokerView struct {
	ID       int32  `json:"id"`
	Name     string `json:"name,omitempty"` // empty for a broker that the stack does not know
	Host     string `json:"host"`
	Zone     string `json:"zone,omitempty"`     // where the stack put it
	Rack     string `json:"rack"`               // what the broker itself reports
	Instance string `json:"instance,omitempty"` // its EC2 instance
	Alive    bool   `json:"alive"`              // registered, not fenced, and answering
	Silence  string `json:"silence,omitempty"`  // why it does not answer clients
	Disk     *Disk  `json:"disk"`               // of its data; null: it did not say
}

// Disk is the fullest volume that a broker keeps data on.
type Disk struct {
	Total int64 `json:"totalBytes"`
	Free  int64 `json:"freeBytes"` // what Kafka can still use
}

// Used is the share that is taken, in percent.
func (d Disk) Used() int { return int(100 * (d.Total - d.Free) / d.Total) }

// Partitions counts the partitions of all topics, internal ones included.
type Partitions struct {
	Topics          int `json:"topics"`
	Total           int `json:"total"`
	UnderReplicated int `json:"underReplicated"` // fewer replicas in sync than there are replicas
	UnderMinISR     int `json:"underMinIsr"`     // fewer in sync than min.insync.replicas: no acks=all writes
	Offline         int `json:"offline"`         // without a leader: no reads, no writes
}

// HostView is what a host says of itself.
type HostView struct {
	Name              string   `json:"name"`
	GenerationWanted  string   `json:"generationWanted"`
	GenerationRunning string   `json:"generationRunning"`
	Service           string   `json:"service"`           // systemd's word: active, failed, inactive …
	Version           string   `json:"version,omitempty"` // of the Kafka that runs
	Differs           []string `json:"differs,omitempty"` // files, volume and storage that are not as the stack wrote them
	Error             string   `json:"error,omitempty"`   // why nothing is known
}
