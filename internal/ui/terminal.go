package ui

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Terminal says what the place that output goes to can do.
type Terminal struct {
	Out   io.Writer
	Color bool                       // may be coloured
	Live  bool                       // may be redrawn in place
	Size  func() (width, height int) // in cells, asked again for every frame; 80x24 where nothing is known
}

const (
	defaultWidth  = 80
	defaultHeight = 24
)

// Detect looks at where f leads and at the environment: NO_COLOR (any value
// but empty), TERM=dumb and CI (any value but empty or "false"). getenv is
// os.Getenv.
func Detect(f *os.File, getenv func(string) string) Terminal {
	if !term.IsTerminal(int(f.Fd())) {
		return Plain(f)
	}
	dumb := getenv("TERM") == "dumb" || getenv("TERM") == ""
	ci := getenv("CI") != "" && getenv("CI") != "false"
	return Terminal{
		Out:   f,
		Color: !dumb && getenv("NO_COLOR") == "",
		Live:  !dumb && !ci,
		Size: func() (int, int) {
			width, height, err := term.GetSize(int(f.Fd()))
			if err != nil || width <= 0 || height <= 0 {
				return defaultWidth, defaultHeight
			}
			return width, height
		},
	}
}

// Plain is a place without colour and without redrawing: a pipe, a file, a
// buffer in a test.
func Plain(w io.Writer) Terminal {
	return Terminal{Out: w, Size: func() (int, int) { return defaultWidth, defaultHeight }}
}

// For is Detect for a writer that may be a file and may be anything else, as
// cobra hands them out.
func For(w io.Writer, getenv func(string) string) Terminal {
	if f, ok := w.(*os.File); ok {
		return Detect(f, getenv)
	}
	return Plain(w)
}
