package config

// Keys are the keys that a stack file may have for this program, in the order
// of the reference.
func Keys() []string {
	keys := []string{"aws:region"}
	for _, f := range table() {
		keys = append(keys, "kraftstack:"+f.name)
	}
	return keys
}
