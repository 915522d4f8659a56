package torchfile

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"sync/atomic"
)

// chunk is how many bytes are read at a time: small enough for a core's cache,
// so that the checksum and the conversion find them there.
const chunk = 256 << 10

// storage is a run of bytes that tensors are views of. It stays in the file (or
// in the caller's slice) until a tensor is read.
type storage struct {
	r         io.ReaderAt
	off, size int64
	big       bool        // its numbers are big-endian
	crc       uint32      // CRC-32 of all of it; 0 where the file gives none
	intact    atomic.Bool // the CRC-32 has been found right
}

// scan reads n bytes from at, a chunk at a time: into the n bytes of dst, or through one small buffer where dst is nil.
// The first reading of a storage compares its checksum.
func (s *storage) scan(at, n int64, dst []byte, visit func([]byte) error) error {
	whole := at == 0 && n == s.size
	check := s.crc != 0 && !s.intact.Load()
	if check && !whole {
		if err := s.scan(0, s.size, nil, nil); err != nil {
			return err
		}
		check = false
	}
	var buffer []byte
	if dst == nil {
		buffer = make([]byte, min(n, chunk))
	}
	var sum uint32
	for done := int64(0); done < n; {
		step := min(n-done, chunk)
		part := buffer[:min(step, int64(len(buffer)))]
		if dst != nil {
			part = dst[done : done+step]
		}
		if _, err := s.r.ReadAt(part, s.off+at+done); err != nil {
			return readError(err)
		}
		if check {
			sum = crc32.Update(sum, crc32.IEEETable, part)
		}
		if visit != nil {
			if err := visit(part); err != nil {
				return err
			}
		}
		done += step
	}
	if check {
		if sum != s.crc {
			return fmt.Errorf("%d bytes at position %d are damaged (their CRC-32 is %08x, the file promises %08x): "+
				"copy or download the file again", s.size, s.off, sum, s.crc)
		}
		s.intact.Store(true)
	}
	return nil
}

func readError(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the file was cut short after it was opened")
	case errors.Is(err, fs.ErrClosed):
		return errors.New("the file was closed before its tensors were read")
	}
	return err
}
