package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

var errTruncated = errors.New("the picture is cut short")

// The most that one byte of compressed data can become.
const (
	deflateRatio = 1040
	lzwRatio     = 4096
)

// plausible refuses a size that so few bytes cannot hold, before room is made for it.
func plausible(size, bytes, ratio int) error {
	if size/ratio > bytes {
		return errTruncated
	}
	return nil
}

func damaged(format, what string) error {
	return fmt.Errorf("the %s is damaged (%s)", format, what)
}

// broken is damaged for another package's error.
func broken(format string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTruncated
	}
	return damaged(format, err.Error())
}

// reader reads numbers; past the end they are zero and short is true.
type reader struct {
	data  []byte
	at    int
	short bool
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || r.at < 0 || n > len(r.data)-r.at {
		r.short = true
		r.at = len(r.data)
		return nil
	}
	r.at += n
	return r.data[r.at-n : r.at]
}

func (r *reader) skip(n int) { r.bytes(n) }

func (r *reader) u8() uint8 {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) le16() uint16 {
	if b := r.bytes(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (r *reader) le32() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}
