package datachannel

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// confirm acknowledges a message. The flags say that an acknowledgement is first
// and last of its sequence.
func (s *Stream) confirm(m Message) error {
	const synAndFin = 3
	text, err := json.Marshal(acknowledgement{Type: m.Type, ID: FormatUUID(m.ID), Sequence: m.Sequence, Sequential: true})
	if err != nil {
		return err
	}
	ack := Message{Type: acknowledge, Created: time.Now(), Flags: synAndFin, ID: NewUUID(), Payload: Payload{Data: text}}
	return s.write(ack.Marshal())
}

// resend repeats messages that the other side has not acknowledged: AWS passes
// on nothing to an agent that is not there yet.
func (s *Stream) resend() {
	tick := time.NewTicker(resendEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case now := <-tick.C:
			if err := s.repeat(now); err != nil {
				s.end(err)
				return
			}
		}
	}
}

func (s *Stream) repeat(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	repeated := 0
	for _, sequence := range slices.Sorted(maps.Keys(s.waiting)) {
		message := s.waiting[sequence]
		if now.Sub(message.first) > silence {
			return fmt.Errorf("the host's Session Manager agent acknowledged nothing for %s", silence)
		}
		if now.Sub(message.last) < resendAfter || repeated == resendAtOnce {
			continue
		}
		message.last = now
		repeated++
		if err := s.write(message.text); err != nil {
			return err
		}
	}
	return nil
}
