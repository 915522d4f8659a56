package main

import (
"fmt"
	_ "github.com/gointr/gointr/pkg/notebook"
)

func main() {
	fmt.Println()
}
