// Package frame puts a page inside another one, without what makes pages.
package frame

import "html"

// Embed is a page as HTML inside another page, a notebook's output, say: a frame with a title, which takes the height
// that it needs, or that the page's style gives as --tallest. Where the notebook is not trusted Jupyter leaves the
// frame out and keeps the words of the template.
func Embed(title string, page []byte) string {
	title = html.EscapeString(title)
	return `<template>` + title + ` is shown once this notebook is trusted.</template>` +
		`<iframe title="` + title + `" style="width:100%;height:720px;border:0" srcdoc="` +
		html.EscapeString(string(page)) + `"></iframe>`
}
