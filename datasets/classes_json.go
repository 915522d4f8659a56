package datasets

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// jsonClasses reads token by token: a map would hide a name given twice.
type jsonClasses struct {
	*json.Decoder
	text   string
	byName map[string]int // the lines of names that were given a number
}

func classesOfJSON(text string) ([]string, error) {
	j := &jsonClasses{json.NewDecoder(strings.NewReader(text)), text, map[string]int{}}
	j.UseNumber()
	open, err := j.next()
	if err != nil {
		return nil, err
	}
	var classes []numbered
	for j.More() {
		class, err := j.class(open == json.Delim('['), len(classes))
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(class.name) == "" || strings.ContainsFunc(class.name, isBinary) ||
			strings.Contains(class.name, "\n") {
			return nil, fmt.Errorf("line %d: %q is not a name", class.line, class.name)
		}
		classes = append(classes, class)
	}
	if _, err := j.next(); err != nil {
		return nil, err
	}
	if _, err := j.Token(); err != io.EOF {
		return nil, fmt.Errorf("line %d: there is more after the end of the JSON", j.line())
	}
	if len(classes) == 0 {
		return nil, errors.New("the list is empty: a class file has a name for every class")
	}
	if len(j.byName) > 0 && len(j.byName) < len(classes) {
		return nil, errors.New("some entries give a name to a number, others a number to a name: do all in one way")
	}
	return byNumber(classes)
}

func (j *jsonClasses) line() int { return lineAt(j.text, int(j.InputOffset())) }

func (j *jsonClasses) next() (json.Token, error) {
	token, err := j.Token()
	if err != nil {
		return nil, notJSON(j.text, int(j.InputOffset()), err)
	}
	return token, nil
}

// class reads the n-th entry of a list, or of an object.
func (j *jsonClasses) class(listed bool, n int) (numbered, error) {
	key, err := j.next()
	if err != nil {
		return numbered{}, err
	}
	class := numbered{number: n, line: j.line()}
	text, ok := key.(string) // an object has no other keys
	if listed {
		if !ok {
			return class, fmt.Errorf("line %d: entry %d of the list is not a name in quotes", class.line, n)
		}
		class.name = text
		return class, nil
	}
	value, err := j.next()
	if err != nil {
		return class, err
	}
	switch value := value.(type) {
	case string:
		class.name = value
		class.number, err = classNumber(text)
	case json.Number:
		class.name = text
		class.number, err = classNumber(value.String())
		if earlier, ok := j.byName[text]; ok {
			return class, fmt.Errorf("line %d names %q again, after line %d: every class has its own name", class.line,
				text, earlier)
		}
		j.byName[text] = class.line
	default:
		err = fmt.Errorf("%q has neither a name nor a number", text)
	}
	if err != nil {
		err = fmt.Errorf("line %d: %w: give a name to each number or a number to each name", class.line, err)
	}
	return class, err
}

func classNumber(digits string) (int, error) {
	number, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is not the number of a class", digits)
	}
	return int(number), nil
}

// notJSON says what is wrong with the token after offset: a syntax error's own offset counts from somewhere within.
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
