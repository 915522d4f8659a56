// Package value shows the value of a cell's last expression, as notebooks of other languages do. It links almost
// nothing, so that a cell of plain Go stays small.
package value

import (
	"fmt"
	"os"
	"reflect"
	"strings"
)

// Show shows values: those that show themselves (a notebook.Figure, say) that way, an explanation with its sentence
// first; nil not at all; an error as one red sentence that ends the cell; all else as text.
func Show(values ...any) {
	for _, v := range values {
		if err, ok := v.(error); ok && !isNil(v) {
			fmt.Fprintf(os.Stderr, "\x1b[31m%s\x1b[0m\n", strings.Join(strings.Fields(err.Error()), " "))
			os.Exit(1)
		}
	}
	for _, v := range values {
		if isNil(v) && len(values) > 1 {
			continue // an error that did not happen
		}
		show(v)
	}
}

func show(v any) {
	if isNil(v) {
		if _, ok := v.(error); !ok && v != nil {
			fmt.Println("nil")
		}
		return
	}
	method := reflect.ValueOf(v).MethodByName("Show")
	if method.IsValid() && method.Type().NumIn() == 0 {
		if s, ok := v.(interface{ Sentence() string }); ok {
			fmt.Println(s.Sentence())
		}
		method.Call(nil)
		return
	}
	switch v := v.(type) {
	case fmt.Stringer:
		fmt.Println(v)
	case string, []byte:
		fmt.Printf("%s\n", v)
	default:
		fmt.Println(text(v))
	}
}

// text is a value as it would be written, without the names of packages.
func text(v any) string {
	switch of := reflect.ValueOf(v); of.Kind() {
	case reflect.Func:
		return "a function, " + of.Type().String()
	case reflect.Slice, reflect.Array:
		if of.Type().Elem().Kind() == reflect.String {
			return fmt.Sprintf("%q", v)
		}
	case reflect.Struct:
		return fmt.Sprintf("%+v", v)
	case reflect.Pointer:
		if of.Elem().Kind() == reflect.Struct {
			return fmt.Sprintf("%+v", v)
		}
	}
	return fmt.Sprint(v)
}

func isNil(v any) bool {
	if v == nil {
		return true
	}
	switch of := reflect.ValueOf(v); of.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Interface, reflect.Chan:
		return of.IsNil()
	}
	return false
}
