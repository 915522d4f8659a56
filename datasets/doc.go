// Package datasets knows folders of pictures: which classes there are, which pictures, in which order and batches they
// are learned from, and the datasets that INTR was published with.
package datasets
