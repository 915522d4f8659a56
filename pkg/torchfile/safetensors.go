package torchfile

import "io"

func readSafetensors(r io.ReaderAt, size int64) (*File, error) { return nil, nil }
