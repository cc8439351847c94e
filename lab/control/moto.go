package control

import (
	_ "embed"

	"kraftstack/lab/venv"
)

// requirements pins moto and everything below it: the extension reaches private
// parts of moto, so another version is another program.
//
//go:embed requirements.txt
var requirements []byte

// Moto is where the pinned moto lives.
func Moto() venv.Venv { return venv.Venv{Name: "moto", Requirements: requirements} }
