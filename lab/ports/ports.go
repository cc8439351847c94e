// Package ports finds TCP ports of this machine's loopback for servers that want
// the same one again when they come back.
package ports

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net"
)

// Where the ports lie: below those that Linux gives to outgoing connections (from
// 32768 on, ip(7) ip_local_port_range). One of those may belong to any connection
// of this machine just when its server comes back, and for a minute after. And above
// those that stacks without a bastion take by default (access.localPort).
const (
	lowest = 30000
	count  = 2700
	tries  = 200
)

// Listen listens on last, where that is not 0 and free; otherwise on a free port
// that is found from seed on. The error says that there was none.
func Listen(last int, seed string) (*net.TCPListener, error) {
	if last != 0 {
		if listener, err := listen(last); err == nil {
			return listener, nil
		}
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(seed)) // it never fails
	first := int(h.Sum32() % count)
	var failed error
	for i := range tries {
		listener, err := listen(lowest + (first+i)%count)
		if err == nil {
			return listener, nil
		}
		failed = errors.Join(failed, err)
	}
	return nil, fmt.Errorf("no port of loopback is free: %w", failed)
}

func listen(port int) (*net.TCPListener, error) {
	return net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
}
