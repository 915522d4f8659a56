package codec

import (
	"bytes"
	"encoding/binary"
	"image"

	"golang.org/x/image/vp8"
	"golang.org/x/image/vp8l"

	"github.com/gointr/gointr/internal/parallel"
)

func isWebP(start []byte) bool {
	return bytes.HasPrefix(start, []byte("RIFF")) && len(start) >= 12 && string(start[8:12]) == "WEBP"
}

// decodeWebP reads lossy and lossless WebP, of an animation the first frame.
func decodeWebP(data []byte) (*Image, error) {
	width, height := 0, 0 // of the canvas, if there is one
	for _, c := range riff(data[12:]) {
		switch c.name {
		case "VP8X":
			if len(c.body) < 10 {
				return nil, errTruncated
			}
			width, height = 1+le24(c.body[4:]), 1+le24(c.body[7:])
		case "ANMF":
			if len(c.body) < 16 {
				return nil, errTruncated
			}
			left, top := 2*le24(c.body), 2*le24(c.body[3:])
			for _, frame := range riff(c.body[16:]) {
				if frame.name == "VP8 " || frame.name == "VP8L" {
					return webpFrame(frame, width, height, left, top)
				}
			}
			return nil, damaged("WebP", "a frame is empty")
		case "VP8 ", "VP8L":
			return webpFrame(c, 0, 0, 0, 0)
		}
	}
	return nil, errTruncated
}

func webpFrame(c chunk, width, height, left, top int) (*Image, error) {
	if c.name == "VP8L" {
		config, err := vp8l.DecodeConfig(bytes.NewReader(c.body))
		if err != nil {
			return nil, broken("WebP", err)
		}
		if err := checkFrame(config.Width, config.Height, &width, &height, left, top); err != nil {
			return nil, err
		}
		img, err := vp8l.Decode(bytes.NewReader(c.body))
		if err != nil {
			return nil, broken("WebP", err)
		}
		p, pixels := newImage(width, height), img.(*image.NRGBA)
		for y := range config.Height {
			copyRow(p.row(top + y)[left*3:][:config.Width*3], pixels.Pix[y*pixels.Stride:], 4, 0, 1, 2)
		}
		return p, nil
	}
	d := vp8.NewDecoder()
	d.Init(bytes.NewReader(c.body), len(c.body))
	header, err := d.DecodeFrameHeader()
	if err != nil {
		return nil, broken("WebP", err)
	}
	if err := checkFrame(header.Width, header.Height, &width, &height, left, top); err != nil {
		return nil, err
	}
	img, err := d.DecodeFrame()
	if err != nil {
		return nil, broken("WebP", err)
	}
	p := newImage(width, height)
	parallel.Do(header.Height, func(next func() (int, bool)) {
		blue, red := make([]uint8, header.Width+2), make([]uint8, header.Width+2)
		for y, ok := next(); ok; y, ok = next() {
			webpRow(img, y, header.Width, header.Height, blue, red, p.row(top + y)[left*3:])
		}
	})
	return p, nil
}

// checkFrame sets the canvas where the file has none, and refuses a frame that leaves it.
func checkFrame(w, h int, width, height *int, left, top int) error {
	if *width == 0 {
		*width, *height = w, h
	}
	if left+w > *width || top+h > *height {
		return damaged("WebP", "a frame is larger than the picture")
	}
	return checkSize(*width, *height)
}

// webpRow upsamples the chroma of row y and converts it, in libwebp's numbers.
func webpRow(img *image.YCbCr, y, width, height int, blue, red, to []uint8) {
	last := (height+1)/2 - 1
	near, far := y/2, y/2-1
	if y%2 == 1 {
		far = near + 1
	}
	far = min(max(far, 0), last)
	row := func(plane []uint8, y int) []uint8 { return plane[y*img.CStride:][:(width+1)/2] }
	webpWiden(row(img.Cb, near), row(img.Cb, far), blue)
	webpWiden(row(img.Cr, near), row(img.Cr, far), red)
	for x, luma := range img.Y[y*img.YStride:][:width] {
		l, u, v := int32(luma)*19077>>8, int32(blue[x]), int32(red[x])
		p := to[x*3:][:3]
		p[0] = clip14(l + v*26149>>8 - 14234)
		p[1] = clip14(l - u*6419>>8 - v*13320>>8 + 8708)
		p[2] = clip14(l + u*33050>>8 - 17685)
	}
}

// clip14 is 8 bits of a number with 6 fraction bits.
func clip14(v int32) uint8 { return uint8(min(max(v>>6, 0), 255)) }

// webpWiden doubles a row of chroma: weights 9, 3, 3, 1, rounded as libwebp's fancy upsampling does.
func webpWiden(near, far, to []uint8) {
	ends := func(x int) uint8 { return uint8((3*uint32(near[x]) + uint32(far[x]) + 2) >> 2) }
	last := len(near) - 1
	to[0] = ends(0)
	for x := 1; x <= last; x++ {
		n0, n1, f0, f1 := uint32(near[x-1]), uint32(near[x]), uint32(far[x-1]), uint32(far[x])
		sum := n0 + n1 + f0 + f1 + 8
		to[2*x-1] = uint8(((sum+2*(n1+f0))>>3 + n0) >> 1)
		to[2*x] = uint8(((sum+2*(n0+f1))>>3 + n1) >> 1)
	}
	to[2*last+1] = ends(last)
}

// chunk is one of a RIFF file.
type chunk struct {
	name string
	body []byte
}

// riff is the chunks of data; the last one may be cut short.
func riff(data []byte) []chunk {
	var list []chunk
	for len(data) >= 8 {
		size := int(binary.LittleEndian.Uint32(data[4:]))
		body := data[8:]
		list = append(list, chunk{string(data[:4]), body[:min(size, len(body))]})
		data = body[min(size+size&1, len(body)):]
	}
	return list
}

func le24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
