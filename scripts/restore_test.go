package scripts

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"strings"
	"testing"
)

// TestRestoreWhereThereIsNoKafkaYet: up ends at the first empty disk, and has not come
// to configure this host by then. It gets its metadata as the others do.
func TestRestoreWhereThereIsNoKafkaYet(t *testing.T) {
	h := prepared(t)
	h.write("bin/systemctl", strings.Replace(systemctl, "echo loaded", "echo not-found", 1), 0o755)
	h.write("bin/mountpoint", "#!/bin/bash\n", 0o755)
	const directory = "AAAAAAAAAAAAAAAAAAAAAw"
	r := h.run(metadataArchive(t), "restore", "--node-id=3", "--cluster-id=BBBBBBBBBBBBBBBBBBBBBQ", "--directory-id="+directory)
	if r.code != 0 || !strings.Contains(r.stderr+r.stdout, "node 3 has the metadata and waits to be started") {
		t.Fatalf("restore ended with %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	for file, want := range map[string]string{
		"disk/data/__cluster_metadata-0/00000000000000000000.log": "records",
		"disk/data/meta.properties":                               "version=1\nnode.id=3\ncluster.id=BBBBBBBBBBBBBBBBBBBBBQ\ndirectory.id=" + directory + "\n",
	} {
		if text, err := os.ReadFile(h.path(file)); err != nil || string(text) != want {
			t.Errorf("%s is %q (%v)", file, text, err)
		}
	}
	if calls, _ := os.ReadFile(h.path("calls")); strings.Contains(string(calls), "stop") {
		t.Errorf("what is not there was stopped:\n%s", calls)
	}
}

// metadataArchive is what kafka-node backup prints, in the small.
func metadataArchive(t *testing.T) string {
	t.Helper()
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zipped)
	if err := archive.WriteHeader(&tar.Header{Name: "./00000000000000000000.log", Mode: 0o640, Size: 7}); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Write([]byte("records")); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}
