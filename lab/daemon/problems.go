package daemon

import (
	"maps"
	"slices"
	"sync"
)

// problems holds what is wrong right now, one text for each part of the
// daemon. The zero value is ready for use.
type problems struct {
	mu   sync.Mutex
	text map[string]string
}

// set notes a part's problem, or that it has none.
func (p *problems) set(part string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		delete(p.text, part)
		return
	}
	if p.text == nil {
		p.text = map[string]string{}
	}
	p.text[part] = err.Error()
}

// list returns the problems, sorted by part.
func (p *problems) list() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]string, 0, len(p.text))
	for _, part := range slices.Sorted(maps.Keys(p.text)) {
		all = append(all, part+": "+p.text[part])
	}
	return all
}
