package datachannel

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var uuidOfAWS = [16]byte{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x41, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}

// ofAWS are messages as ClientMessage.SerializeClientMessage of AWS's
// session-manager-plugin (v0.0.0-20260401221635-b79d06c1d3a2) writes them.
var ofAWS = []struct {
	message Message
	wire    string
}{
	{
		Message{Type: Input, Created: time.UnixMilli(1795953600123), Sequence: 7, ID: uuidOfAWS, Payload: Payload{Data, []byte("SSH-2.0-Go\r\n")}},
		"00000074696e7075745f73747265616d5f6461746120202020202020202020202020202000000001000001a2272d267b0000000000000007000000000000000080b400c04fd430c86ba7b8109dad41d1e9e55307b9c6c1bf5bae2abdb628281d89d5ba57d8805fa8a09ee0bdc672ee5f000000010000000c5353482d322e302d476f0d0a",
	},
	{
		Message{Type: acknowledge, Created: time.UnixMilli(1795953600124), Flags: 3, ID: uuidOfAWS, Payload: Payload{Data: []byte(
			`{"AcknowledgedMessageType":"output_stream_data","AcknowledgedMessageId":"6ba7b810-9dad-41d1-80b4-00c04fd430c8","AcknowledgedMessageSequenceNumber":7,"IsSequentialMessage":true}`)}},
		"0000007461636b6e6f776c6564676520202020202020202020202020202020202020202000000001000001a2272d267c0000000000000000000000000000000380b400c04fd430c86ba7b8109dad41d1f3d7322eee1ccbc43db10780322a8869c68b7e7cb20ae157286e4b1a6c14278200000000000000b0" +
			hex.EncodeToString([]byte(`{"AcknowledgedMessageType":"output_stream_data","AcknowledgedMessageId":"6ba7b810-9dad-41d1-80b4-00c04fd430c8","AcknowledgedMessageSequenceNumber":7,"IsSequentialMessage":true}`)),
	},
}

func TestMessagesAreThoseOfAWS(t *testing.T) {
	for _, c := range ofAWS {
		if got := hex.EncodeToString(c.message.Marshal()); got != c.wire {
			t.Errorf("%s is written as\n%s, AWS writes\n%s", c.message.Type, got, c.wire)
		}
		text, err := hex.DecodeString(c.wire)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Unmarshal(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.message, got); diff != "" {
			t.Errorf("AWS's %s is read as (-want +got):\n%s", c.message.Type, diff)
		}
	}
	if got := FormatUUID(uuidOfAWS); got != "6ba7b810-9dad-41d1-80b4-00c04fd430c8" {
		t.Errorf("the UUID is %s", got)
	}
}

func TestBrokenMessagesAreRefused(t *testing.T) {
	good := ofAWS[0].message.Marshal()
	for name, c := range map[string]struct {
		spoil func([]byte) []byte
		why   string
	}{
		"cut header":       {func(b []byte) []byte { return b[:100] }, "shorter than its header"},
		"cut payload":      {func(b []byte) []byte { return b[:len(b)-1] }, "bytes of payload and says"},
		"spoilt payload":   {func(b []byte) []byte { b[len(b)-1] ^= 1; return b }, "digest"},
		"header too long":  {func(b []byte) []byte { b[0] = 0xff; return b }, "says that its header has"},
		"header too short": {func(b []byte) []byte { b[3] = 1; return b }, "says that its header has"},
	} {
		if _, err := Unmarshal(c.spoil(append([]byte{}, good...))); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	for _, c := range ofAWS {
		f.Add(c.message.Marshal())
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := Unmarshal(text)
		if err != nil {
			return
		}
		again, err := Unmarshal(m.Marshal())
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if diff := cmp.Diff(m, again); diff != "" && !strings.ContainsAny(m.Type, " \x00") {
			t.Errorf("what was read and written differs:\n%s", diff)
		}
	})
}
