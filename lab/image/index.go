package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// index writes the list of an archive's packages by which apt finds them, in the
// form of a repository that is one folder (deb822; apt's sources.list(5)).
func index(ctx context.Context, archive string) error {
	debs, err := filepath.Glob(filepath.Join(archive, "*.deb"))
	if err != nil {
		return err
	}
	if len(debs) == 0 {
		return fmt.Errorf("index the package archive: %s holds no package", archive)
	}
	var list bytes.Buffer
	for _, deb := range debs {
		fields, err := exec.CommandContext(ctx, "dpkg-deb", "--field", deb).Output()
		if err != nil {
			return fmt.Errorf("read what package %s is: %w", filepath.Base(deb), err)
		}
		content, err := os.ReadFile(deb)
		if err != nil {
			return fmt.Errorf("index the package archive: %w", err)
		}
		// Without a "./" before it: the server would lead to the name without one,
		// and apt encodes what it is led to once more.
		_, _ = fmt.Fprintf(&list, "%sFilename: %s\nSize: %d\nSHA256: %x\n\n", fields, filepath.Base(deb), len(content), sha256.Sum256(content))
	}
	if err := os.WriteFile(filepath.Join(archive, "Packages"), list.Bytes(), 0o644); err != nil {
		return fmt.Errorf("index the package archive: %w", err)
	}
	return nil
}
