package wholefile

import (
	"encoding/json"
	"io"
)

// JSON writes a value for people and programs: indented, with <, > and & as they are.
func JSON(path string, value any) error {
	return Write(path, func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(value)
	})
}
