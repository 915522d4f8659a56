package datasets

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// classesOfJSON reads token by token: a map would hide a name given twice.
func classesOfJSON(text string) ([]string, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	line := func() int { return lineAt(text, int(decoder.InputOffset())) }
	next := func() (json.Token, error) {
		token, err := decoder.Token()
		if err != nil {
			return nil, notJSON(text, int(decoder.InputOffset()), err)
		}
		return token, nil
	}
	open, err := next()
	if err != nil {
		return nil, err
	}
	var classes []numbered
	byName := map[string]int{} // the lines of names that were given a number
	for decoder.More() {
		key, err := next()
		if err != nil {
			return nil, err
		}
		class := numbered{number: len(classes), line: line()}
		if open == json.Delim('[') {
			name, ok := key.(string)
			if !ok {
				return nil, fmt.Errorf("line %d: entry %d of the list is not a name in quotes", class.line, len(classes))
			}
			class.name = name
		} else {
			key := key.(string) // JSON has no other keys
			value, err := next()
			if err != nil {
				return nil, err
			}
			switch value := value.(type) {
			case string:
				class.name = value
				class.number, err = classNumber(key)
			case json.Number:
				class.name = key
				class.number, err = classNumber(value.String())
				if earlier, ok := byName[key]; ok {
					return nil, fmt.Errorf("line %d names %q again, after line %d: every class has its own name", class.line, key, earlier)
				}
				byName[key] = class.line
			default:
				err = fmt.Errorf("%q has neither a name nor a number", key)
			}
			if err != nil {
				return nil, fmt.Errorf("line %d: %w: give a name to each number or a number to each name", class.line, err)
			}
		}
		class.name = strings.TrimSpace(class.name)
		if class.name == "" || strings.ContainsFunc(class.name, isBinary) || strings.Contains(class.name, "\n") {
			return nil, fmt.Errorf("line %d: %q is not a name", class.line, class.name)
		}
		classes = append(classes, class)
	}
	if _, err := next(); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("line %d: there is more after the end of the JSON", line())
	}
	if len(classes) == 0 {
		return nil, errors.New("the list is empty: a class file has a name for every class")
	}
	if len(byName) > 0 && len(byName) < len(classes) {
		return nil, errors.New("some entries give a name to a number, others a number to a name: do all in one way")
	}
	return byNumber(classes)
}

func classNumber(digits string) (int, error) {
	number, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is not the number of a class", digits)
	}
	return int(number), nil
}

// notJSON says what is wrong with the token after offset: a syntax error's own
// offset counts from somewhere within.
func notJSON(text string, offset int, err error) error {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return errors.New("the JSON ends too early: the file is cut off")
	}
	for offset < len(text) && strings.IndexByte(" \t\n,:", text[offset]) >= 0 {
		offset++
	}
	return fmt.Errorf("line %d is not valid JSON: %w", lineAt(text, offset), err)
}
