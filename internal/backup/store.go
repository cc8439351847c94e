// Package backup keeps in S3 what nobody can make again: a stack's state, and the
// metadata of its cluster's quorum.
package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"kraftstack/internal/account"
	"kraftstack/internal/bootstrap"
)

// Options say where backups are.
type Options struct {
	Region  string
	Profile string // of the AWS credentials; empty: the environment's
	Bucket  string // default: the one that kraftstack bootstrap makes
}

// Manifest says what a backup holds. It is written last: what has none is none.
type Manifest struct {
	ID           string    `json:"id"` // the time at which it was begun, UTC: 20261129T065400.000Z
	Stack        string    `json:"stack"`
	Taken        time.Time `json:"taken"`
	ClusterID    string    `json:"clusterId"`
	KafkaVersion string    `json:"kafkaVersion"`
	Voters       []Voter   `json:"voters"`   // of the quorum by then
	State        Part      `json:"state"`    // as pulumi stack export has it, its secrets encrypted
	Metadata     Part      `json:"metadata"` // a tar.gz of kafka-node backup
}

// Voter is a member of the quorum, and the directory by which the others know it.
type Voter struct {
	ID          int32  `json:"id"`
	DirectoryID string `json:"directoryId"`
}

// Part is one object of a backup.
type Part struct {
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
}

const (
	manifestName = "manifest.json"
	stateName    = "state.json"
	metadataName = "metadata.tar.gz"
	idLayout     = "20060102T150405.000Z"
)

// NewID names a backup that is begun now. Names sort by time.
func NewID(now time.Time) string { return now.UTC().Format(idLayout) }

// Store is a bucket that has backups.
type Store struct {
	Bucket string

	s3 *s3.Client
}

// ErrNone is a stack without the backup that was asked for, ErrNoBucket an account
// without the bucket.
var (
	ErrNone     = errors.New("there is no such backup")
	ErrNoBucket = errors.New("there is no such bucket")
)

// Open finds the bucket. It makes none, and asks AWS only which account this is,
// where the bucket has its usual name.
func Open(ctx context.Context, o Options) (*Store, error) {
	reach, err := account.Config(ctx, o.Region, o.Profile)
	if err != nil {
		return nil, err
	}
	if o.Bucket == "" {
		who, err := sts.NewFromConfig(reach).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			return nil, fmt.Errorf("ask AWS which account this is: %w", account.Answer(err))
		}
		o.Bucket = bootstrap.UsualBucket(aws.ToString(who.Account), o.Region)
	}
	own := os.Getenv("AWS_ENDPOINT_URL") != "" // which names buckets in the path
	return &Store{Bucket: o.Bucket, s3: s3.NewFromConfig(reach, func(s *s3.Options) {
		s.UsePathStyle = own
		s.DisableLogOutputChecksumValidationSkipped = true // the manifest has sums of its own
	})}, nil
}

// Put stores a backup and returns its manifest with the parts' sizes and sums.
func (s *Store) Put(ctx context.Context, m Manifest, state, metadata []byte) (Manifest, error) {
	m.State, m.Metadata = part(state), part(metadata)
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, err
	}
	for _, object := range []struct {
		name string
		data []byte
	}{{stateName, state}, {metadataName, metadata}, {manifestName, text}} {
		key := key(m.Stack, m.ID, object.name)
		_, err := s.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.Bucket, Key: &key, Body: bytes.NewReader(object.data)})
		if err != nil {
			return m, fmt.Errorf("store s3://%s/%s: %w", s.Bucket, key, answer(err))
		}
	}
	return m, nil
}

// List finds the whole backups of a stack, oldest first.
func (s *Store) List(ctx context.Context, stack string) ([]string, error) {
	prefix, ids := key(stack, "", ""), []string{}
	pages := s3.NewListObjectsV2Paginator(s.s3, &s3.ListObjectsV2Input{Bucket: &s.Bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list s3://%s/%s: %w", s.Bucket, prefix, answer(err))
		}
		for _, object := range page.Contents {
			if id, whole := strings.CutSuffix(strings.TrimPrefix(aws.ToString(object.Key), prefix), "/"+manifestName); whole {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// Find reads the manifest of a backup, of the newest where id is "".
func (s *Store) Find(ctx context.Context, stack, id string) (Manifest, error) {
	ids, err := s.List(ctx, stack)
	if err != nil {
		return Manifest{}, err
	}
	if id == "" && len(ids) > 0 {
		id = ids[len(ids)-1]
	}
	if !slices.Contains(ids, id) {
		return Manifest{}, fmt.Errorf("%w in s3://%s/%s; backups of this stack there: %d", ErrNone, s.Bucket, key(stack, id, ""), len(ids))
	}
	text, err := s.get(ctx, key(stack, id, manifestName))
	if err != nil {
		return Manifest{}, err
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return Manifest{}, fmt.Errorf("read the manifest of backup %s: %w", id, err)
	}
	return m, nil
}

// State is the stack's state of a backup.
func (s *Store) State(ctx context.Context, m Manifest) ([]byte, error) {
	return s.part(ctx, m, stateName, m.State)
}

// Metadata is the quorum's metadata of a backup.
func (s *Store) Metadata(ctx context.Context, m Manifest) ([]byte, error) {
	return s.part(ctx, m, metadataName, m.Metadata)
}

func (s *Store) part(ctx context.Context, m Manifest, name string, want Part) ([]byte, error) {
	data, err := s.get(ctx, key(m.Stack, m.ID, name))
	if err == nil && part(data) != want {
		err = fmt.Errorf("%s of backup %s is not what was stored: its SHA-256 is %s, not %s", name, m.ID, part(data).SHA256, want.SHA256)
	}
	return data, err
}

func (s *Store) get(ctx context.Context, key string) ([]byte, error) {
	got, err := s.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.Bucket, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", s.Bucket, key, answer(err))
	}
	defer func() { _ = got.Body.Close() }()
	data, err := io.ReadAll(got.Body)
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", s.Bucket, key, err)
	}
	return data, nil
}

// answer is what S3 said.
func answer(err error) error {
	if account.Answered(err, "NoSuchBucket", "NotFound") {
		return ErrNoBucket
	}
	return account.Answer(err)
}

func part(data []byte) Part {
	sum := sha256.Sum256(data)
	return Part{Bytes: len(data), SHA256: hex.EncodeToString(sum[:])}
}

// key is where an object of a backup is; without a name, the folder of a backup, and
// without an id, that of a stack.
func key(stack, id, name string) string {
	key := "backups/" + stack + "/"
	if id != "" {
		key += id
	}
	if name != "" {
		key += "/" + name
	}
	return key
}
