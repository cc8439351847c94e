// Package paths says where the lab keeps things: one folder for its state, one
// for what can be made again.
package paths

import (
	"os"
	"path/filepath"
)

// Lab is the folder that holds everything a running lab owns. It is
// $KRAFTSTACK_LAB_DIR, or /var/lib/kraftstack/lab.
func Lab() string {
	if dir := os.Getenv("KRAFTSTACK_LAB_DIR"); dir != "" {
		return dir
	}
	return "/var/lib/kraftstack/lab"
}

// Cache is the folder of downloads and builds, each under a name made from its
// recipe, so that it is never stale and can be deleted at any time. It is
// $KRAFTSTACK_CACHE_DIR, or kraftstack in the user's cache folder.
func Cache() (string, error) {
	if dir := os.Getenv("KRAFTSTACK_CACHE_DIR"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "kraftstack"), nil
}
