package check

import (
	"bytes"
	"errors"
	"fmt"
)

// Bytes is the value that an ID names: the ID as text, and a filling up to the
// size that nobody could write who does not know it.
func (id ID) Bytes(size int) []byte {
	value := fmt.Appendf(make([]byte, 0, size+64), "%d/%d/%d/%d|", id.Producer, id.Epoch, id.Partition, id.Seq)
	state := uint64(id.Producer+1)<<48 ^ uint64(id.Epoch+1)<<40 ^ uint64(id.Partition+1)<<24 ^ uint64(id.Seq+1)
	for len(value) < size {
		// xorshift64 (Marsaglia 2003)
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		value = append(value, 'a'+byte(state%26))
	}
	return value
}

// Parse reads a value back. The error says that it is none of this run's form;
// intact says that every byte is the one that was sent.
func Parse(value []byte) (id ID, intact bool, err error) {
	head, _, found := bytes.Cut(value, []byte("|"))
	if !found {
		return ID{}, false, errors.New("it has no head")
	}
	if n, err := fmt.Sscanf(string(head), "%d/%d/%d/%d", &id.Producer, &id.Epoch, &id.Partition, &id.Seq); err != nil || n != 4 {
		return ID{}, false, errors.New("its head names no value")
	}
	return id, bytes.Equal(value, id.Bytes(len(value))), nil
}

// String is how reports name a value.
func (id ID) String() string {
	return fmt.Sprintf("%d/%d/%d/%d", id.Producer, id.Epoch, id.Partition, id.Seq)
}
