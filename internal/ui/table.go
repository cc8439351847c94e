package ui

import (
	"io"
	"strings"
	"unicode/utf8"
)

// Cell is one field of a table.
type Cell struct {
	Text string
	Tone Tone
}

// Table writes rows in aligned columns.
type Table struct {
	headers []string
	rows    [][]Cell
}

// NewTable begins a table with these column heads.
func NewTable(headers ...string) *Table { return &Table{headers: headers} }

// Row adds a row. Missing cells are empty, surplus ones are dropped: a table
// never loses its columns over one row.
func (t *Table) Row(cells ...Cell) {
	row := make([]Cell, len(t.headers))
	copy(row, cells)
	t.rows = append(t.rows, row)
}

// Write prints the table, each line after indent; heads are upper case, an
// empty cell is "-".
func (t *Table) Write(w io.Writer, indent string, color bool) error {
	widths := make([]int, len(t.headers))
	for i, h := range t.headers {
		widths[i] = utf8.RuneCountInString(h)
	}
	for _, row := range t.rows {
		for i := range row {
			row[i].Text = OneLine(row[i].Text)
			if row[i].Text == "" {
				row[i].Text = "-"
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].Text))
		}
	}
	var b strings.Builder
	head := make([]Cell, len(t.headers))
	for i, h := range t.headers {
		head[i] = Cell{Text: strings.ToUpper(h), Tone: Faint}
	}
	for _, row := range append([][]Cell{head}, t.rows...) {
		b.WriteString(indent)
		for i, cell := range row {
			b.WriteString(Paint(cell.Text, cell.Tone, color))
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell.Text)+2))
			}
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}
