package dist

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"sort"
	"time"
)

// epoch is the time of every file in an archive: an archive tells what it holds,
// not when it was made.
var epoch = time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)

// pack writes items as a gzipped tar file and returns its SHA-512 in hex. Order,
// times, owners and modes are fixed, so equal items give an equal sum. Nothing
// is compressed: jars are already.
func pack(target string, items []item) (sum string, err error) {
	sort.Slice(items, func(i, j int) bool { return items[i].path < items[j].path })
	file, err := os.OpenFile(target, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return "", err
	}
	defer func() {
		if closeErr := file.Close(); err == nil {
			err = closeErr
		}
	}()
	hash := sha512.New()
	zipped, err := gzip.NewWriterLevel(io.MultiWriter(file, hash), gzip.NoCompression)
	if err != nil {
		return "", err
	}
	archive := tar.NewWriter(zipped)
	for _, item := range items {
		if err := add(archive, item); err != nil {
			return "", fmt.Errorf("%s: %w", item.path, err)
		}
	}
	if err := archive.Close(); err != nil {
		return "", err
	}
	if err := zipped.Close(); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), file.Sync()
}

func add(archive *tar.Writer, item item) error {
	var content io.Reader = bytes.NewReader(item.content)
	size := int64(len(item.content))
	if item.file != "" {
		jar, err := os.Open(item.file)
		if err != nil {
			return err
		}
		defer func() { _ = jar.Close() }()
		info, err := jar.Stat()
		if err != nil {
			return err
		}
		content, size = jar, info.Size()
	}
	header := tar.Header{
		Typeflag: tar.TypeReg, Name: item.path, Size: size, Mode: item.mode,
		ModTime: epoch, Format: tar.FormatUSTAR, Uname: "root", Gname: "root",
	}
	if err := archive.WriteHeader(&header); err != nil {
		return err
	}
	_, err := io.Copy(archive, content)
	return err
}
