package figure

// A plane is one colour of a picture, w*h bytes.

const (
	blurSize = 15
	blurSide = blurSize / 2
)

// gaussian is OpenCV's kernel for 8-bit pictures with ksize 15 and sigma
// 0.3*((15-1)*0.5-1)+0.8 = 2.6, in 256ths: rounded so that the sum stays 256.
var gaussian = [blurSide + 1]uint32{40, 36, 30, 20, 12, 6, 3, 1}

// median is cv2.medianBlur(plane, 15): borders repeated; a histogram slides along each row (Huang, Yang and Tang 1979).
func median(plane []uint8, w, h int) []uint8 {
	const middle = blurSize * blurSize / 2
	stride := w + 2*blurSide
	padded := make([]uint8, stride*(h+2*blurSide))
	for y := range h + 2*blurSide {
		from := plane[min(max(y-blurSide, 0), h-1)*w:][:w]
		to := padded[y*stride:][:stride]
		copy(to[blurSide:], from)
		for i := range blurSide {
			to[i], to[stride-1-i] = from[0], from[w-1]
		}
	}
	out := make([]uint8, w*h)
	for y := range h {
		var count [256]int32
		window := padded[y*stride:][:blurSize*stride]
		for k := 0; k < len(window); k += stride {
			for _, v := range window[k : k+blurSize] {
				count[v]++
			}
		}
		m, below := uint8(0), int32(0) // below: pixels under m
		for x := range w {
			for below > middle {
				m--
				below -= count[m]
			}
			for below+count[m] <= middle {
				below += count[m]
				m++
			}
			out[y*w+x] = m
			if x == w-1 {
				break
			}
			for k := x; k < len(window); k += stride {
				left, right := window[k], window[k+blurSize]
				if left == right {
					continue
				}
				count[left]--
				count[right]++
				if left < m {
					below--
				}
				if right < m {
					below++
				}
			}
		}
	}
	return out
}

// smooth is cv2.GaussianBlur(plane, (15, 15), 0): borders mirrored without
// repeating the edge, 8 fractional bits in each pass, rounded once at the end.
func smooth(plane []uint8, w, h int) []uint8 {
	wide := make([]uint16, w*h)
	line := make([]uint32, w+2*blurSide)
	for y := range h {
		row := plane[y*w:][:w]
		for i := range line {
			line[i] = uint32(row[mirror(i-blurSide, w)])
		}
		to := wide[y*w:][:w]
		for x := range to {
			t := line[x : x+blurSize : x+blurSize]
			sum := gaussian[0] * t[blurSide]
			for k := 1; k <= blurSide; k++ {
				sum += gaussian[k] * (t[blurSide-k] + t[blurSide+k])
			}
			to[x] = uint16(sum)
		}
	}
	out := make([]uint8, w*h)
	sum := make([]uint32, w)
	for y := range h {
		for x, v := range wide[y*w:][:w] {
			sum[x] = gaussian[0]*uint32(v) + 1<<15
		}
		for k := 1; k <= blurSide; k++ {
			above, below := wide[mirror(y-k, h)*w:][:w], wide[mirror(y+k, h)*w:][:w]
			for x := range sum {
				sum[x] += gaussian[k] * (uint32(above[x]) + uint32(below[x]))
			}
		}
		to := out[y*w:][:w]
		for x, v := range sum {
			to[x] = uint8(v >> 16)
		}
	}
	return out
}

// mirror is the index within n cells that i falls on when the row is mirrored at its first and last cell.
func mirror(i, n int) int {
	if n == 1 {
		return 0
	}
	for i < 0 || i >= n {
		if i < 0 {
			i = -i
		} else {
			i = 2*(n-1) - i
		}
	}
	return i
}
