// Package datasets knows what stands around the pictures: so far, the names of
// the classes.
package datasets
