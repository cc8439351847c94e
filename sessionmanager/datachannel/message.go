// Package datachannel speaks the data channel of AWS Session Manager: messages
// with numbers, acknowledged one by one, over a websocket. AWS describes it in
// the sources of its session-manager-plugin (src/message, src/datachannel).
package datachannel

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Types of messages. A client sends input and an agent output.
const (
	Input         = "input_stream_data"
	Output        = "output_stream_data"
	acknowledge   = "acknowledge"
	channelClosed = "channel_closed"
)

// PayloadType says what an input or output message carries.
type PayloadType uint32

// The payloads that a session to a port knows.
const (
	Data              PayloadType = 1
	HandshakeRequest  PayloadType = 5
	HandshakeResponse PayloadType = 6
	HandshakeComplete PayloadType = 7
	Flag              PayloadType = 10
)

// Flags of a payload of type Flag: four bytes, big endian.
const (
	FlagTerminate    uint32 = 2 // the client ends the session
	FlagCannotDialIt uint32 = 3 // the agent cannot connect to the port
)

// Message is one message of the channel.
type Message struct {
	Type     string
	Created  time.Time // to the millisecond
	Sequence int64
	Flags    uint64
	ID       [16]byte // a random UUID
	Payload  Payload
}

// Payload is what a message carries.
type Payload struct {
	Type PayloadType
	Data []byte
}

// Where the fields of a message are. All numbers are big endian.
const (
	typeAt, typeLength = 4, 32
	schemaAt           = 36
	createdAt          = 40
	sequenceAt         = 48
	flagsAt            = 56
	idAt               = 64 // its second half comes first
	digestAt           = 80
	payloadTypeAt      = 112
	headerLength       = 116 // the payload's length is not part of the header
	payloadAt          = 120
	schemaVersion      = 1
)

// Marshal is the message as it goes over the wire.
func (m Message) Marshal() []byte {
	out := make([]byte, payloadAt, payloadAt+len(m.Payload.Data))
	binary.BigEndian.PutUint32(out, headerLength)
	copy(out[typeAt:typeAt+typeLength], bytes.Repeat([]byte{' '}, typeLength))
	copy(out[typeAt:typeAt+typeLength], m.Type)
	binary.BigEndian.PutUint32(out[schemaAt:], schemaVersion)
	binary.BigEndian.PutUint64(out[createdAt:], uint64(m.Created.UnixMilli()))
	binary.BigEndian.PutUint64(out[sequenceAt:], uint64(m.Sequence))
	binary.BigEndian.PutUint64(out[flagsAt:], m.Flags)
	copy(out[idAt:], m.ID[8:])
	copy(out[idAt+8:], m.ID[:8])
	digest := sha256.Sum256(m.Payload.Data)
	copy(out[digestAt:], digest[:])
	binary.BigEndian.PutUint32(out[payloadTypeAt:], uint32(m.Payload.Type))
	binary.BigEndian.PutUint32(out[headerLength:], uint32(len(m.Payload.Data)))
	return append(out, m.Payload.Data...)
}

// Unmarshal reads a message. It refuses one that was cut short or whose payload
// is not that of its digest.
func Unmarshal(in []byte) (Message, error) {
	if len(in) < payloadAt {
		return Message{}, fmt.Errorf("a message of %d bytes is shorter than its header", len(in))
	}
	// Later versions may have a longer header; its length says where the payload is.
	at := int64(binary.BigEndian.Uint32(in)) + payloadAt - headerLength
	if at < payloadAt || at > int64(len(in)) {
		return Message{}, fmt.Errorf("a message of %d bytes says that its header has %d", len(in), at)
	}
	m := Message{
		Type:     string(bytes.TrimSpace(bytes.Trim(in[typeAt:typeAt+typeLength], "\x00"))),
		Created:  time.UnixMilli(int64(binary.BigEndian.Uint64(in[createdAt:]))),
		Sequence: int64(binary.BigEndian.Uint64(in[sequenceAt:])),
		Flags:    binary.BigEndian.Uint64(in[flagsAt:]),
		Payload:  Payload{Type: PayloadType(binary.BigEndian.Uint32(in[payloadTypeAt:])), Data: in[at:]},
	}
	copy(m.ID[8:], in[idAt:])
	copy(m.ID[:8], in[idAt+8:idAt+16])
	if length := binary.BigEndian.Uint32(in[at-4:]); int64(length) != int64(len(m.Payload.Data)) {
		return Message{}, fmt.Errorf("a message has %d bytes of payload and says %d", len(m.Payload.Data), length)
	}
	digest := sha256.Sum256(m.Payload.Data)
	if len(m.Payload.Data) > 0 && !bytes.Equal(digest[:], in[digestAt:digestAt+sha256.Size]) {
		return Message{}, errors.New("a message's payload is not that of its digest")
	}
	return m, nil
}

// NewUUID is a random UUID, of version 4.
func NewUUID() [16]byte {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

// FormatUUID is a UUID with hyphens.
func FormatUUID(id [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
