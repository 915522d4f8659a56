package codec

import (
	"bytes"
	"encoding/binary"
)

// Orientation is what the EXIF of a JPEG, PNG or WebP says, 1 (upright) if it
// says nothing. A TIFF has been turned when it was read.
func Orientation(data []byte) int {
	var exif []byte
	switch {
	case bytes.HasPrefix(data, []byte("\xFF\xD8")):
		exif = jpegEXIF(data[2:])
	case bytes.HasPrefix(data, []byte(pngMagic)):
		exif = pngEXIF(data[8:])
	case len(data) >= 12 && bytes.HasPrefix(data, []byte("RIFF")):
		for _, c := range riff(data[12:]) {
			if c.name == "EXIF" {
				exif = c.body
			}
		}
	}
	return readIFD(bytes.TrimPrefix(exif, []byte("Exif\x00\x00"))).get(tagOrientation, 1)
}

func jpegEXIF(data []byte) []byte {
	for len(data) >= 4 && data[0] == 0xFF {
		marker, size := data[1], int(binary.BigEndian.Uint16(data[2:]))
		switch {
		case marker == 0xFF: // padding
			data = data[1:]
			continue
		case marker == 0xDA || size < 2 || size+2 > len(data):
			return nil
		case marker == 0xE1 && bytes.HasPrefix(data[4:], []byte("Exif\x00\x00")):
			return data[4 : size+2]
		}
		data = data[size+2:]
	}
	return nil
}

func pngEXIF(data []byte) []byte {
	for len(data) >= 12 {
		size := int(binary.BigEndian.Uint32(data))
		if size > len(data)-12 {
			return nil
		}
		if string(data[4:8]) == "eXIf" {
			return data[8 : 8+size]
		}
		data = data[size+12:]
	}
	return nil
}
