package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// dynamic are the broker properties that Kafka changes for a whole cluster while
// it runs, with the version from which on it does where that is newer than
// 4.1: those of the update mode "cluster-wide" in Kafka's own list (`java -cp
// "libs/*" kafka.server.KafkaConfig`). No test holds it against a Kafka yet.
// config.providers is left out: values that name a provider are read before it
// would be there.
var dynamic = map[string]string{
	"background.threads":                             "",
	"compression.gzip.level":                         "",
	"compression.lz4.level":                          "",
	"compression.type":                               "",
	"compression.zstd.level":                         "",
	"follower.fetch.last.tiered.offset.enable":       "4.3",
	"follower.replication.throttled.rate":            "4.3",
	"group.consumer.assignment.interval.ms":          "4.3",
	"group.coordinator.cached.buffer.max.bytes":      "4.3",
	"group.share.assignment.interval.ms":             "4.3",
	"group.streams.assignment.interval.ms":           "4.3",
	"leader.replication.throttled.rate":              "4.3",
	"log.cleaner.backoff.ms":                         "",
	"log.cleaner.dedupe.buffer.size":                 "",
	"log.cleaner.delete.retention.ms":                "",
	"log.cleaner.io.buffer.load.factor":              "",
	"log.cleaner.io.buffer.size":                     "",
	"log.cleaner.io.max.bytes.per.second":            "",
	"log.cleaner.max.compaction.lag.ms":              "",
	"log.cleaner.min.cleanable.ratio":                "",
	"log.cleaner.min.compaction.lag.ms":              "",
	"log.cleaner.threads":                            "",
	"log.cleanup.policy":                             "",
	"log.flush.interval.messages":                    "",
	"log.flush.interval.ms":                          "",
	"log.index.interval.bytes":                       "",
	"log.index.size.max.bytes":                       "",
	"log.local.retention.bytes":                      "",
	"log.local.retention.ms":                         "",
	"log.message.timestamp.after.max.ms":             "",
	"log.message.timestamp.before.max.ms":            "",
	"log.message.timestamp.type":                     "",
	"log.preallocate":                                "",
	"log.retention.bytes":                            "",
	"log.retention.ms":                               "",
	"log.roll.jitter.ms":                             "",
	"log.roll.ms":                                    "",
	"log.segment.bytes":                              "",
	"log.segment.delete.delay.ms":                    "",
	"max.connection.creation.rate":                   "",
	"max.connections":                                "",
	"max.connections.per.ip":                         "",
	"max.connections.per.ip.overrides":               "",
	"message.max.bytes":                              "",
	"metric.reporters":                               "",
	"min.insync.replicas":                            "",
	"num.io.threads":                                 "",
	"num.network.threads":                            "",
	"num.recovery.threads.per.data.dir":              "",
	"num.replica.fetchers":                           "",
	"producer.id.expiration.ms":                      "",
	"remote.fetch.max.wait.ms":                       "",
	"remote.list.offsets.request.timeout.ms":         "",
	"remote.log.index.file.cache.total.size.bytes":   "",
	"remote.log.manager.copier.thread.pool.size":     "",
	"remote.log.manager.copy.max.bytes.per.second":   "",
	"remote.log.manager.expiration.thread.pool.size": "",
	"remote.log.manager.fetch.max.bytes.per.second":  "",
	"remote.log.manager.follower.thread.pool.size":   "4.2",
	"remote.log.reader.threads":                      "",
	"replica.alter.log.dirs.io.max.bytes.per.second": "4.3",
	"share.coordinator.cached.buffer.max.bytes":      "4.3",
	"transaction.partition.verification.enable":      "",
	"unclean.leader.election.enable":                 "",
}

// IsLive says whether a property takes effect without a restart.
func (k Kafka) IsLive(property string) bool {
	since, known := dynamic[property]
	return known && !older(k.Version, since)
}

// LiveProperties are the names of all properties that take effect without a
// restart, sorted.
func (k Kafka) LiveProperties() []string {
	names := slices.Sorted(maps.Keys(dynamic))
	return slices.DeleteFunc(names, func(name string) bool { return !k.IsLive(name) })
}

// metadataLevels are the newest metadata versions that each release reads (its
// `kafka-storage.sh version-mapping`).
var metadataLevels = map[string]int{"4.1": 27, "4.2": 29, "4.3": 30}

// Release is the part of a version that a metadata version belongs to: 4.3 of
// 4.3.1.
func (k Kafka) Release() string {
	parts := strings.SplitN(k.Version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// MetadataLevel is the newest metadata version that Version reads, as a number;
// 0 for a release that is not known here.
func (k Kafka) MetadataLevel() int { return metadataLevels[k.Release()] }

// older compares a version such as 4.2.1 with one such as 4.3; no version is
// older than "".
func older(version, than string) bool {
	if than == "" {
		return false
	}
	return slices.Compare(numbers(version), numbers(than)) < 0
}

// numbers are a version's parts. What is no number counts as 0; versionForm
// refuses such a version.
func numbers(version string) []int {
	var parts []int
	for part := range strings.SplitSeq(version, ".") {
		n, _ := strconv.Atoi(part)
		parts = append(parts, n)
	}
	return parts
}
