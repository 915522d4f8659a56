package intr

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/gointr/gointr/internal/nn"
)

// alone has an answer computed by all cores, and no other beside it.
const alone = 0

// desks are where a model computes its answers on processors: for pictures at a time,
// each by some of the cores.
type desks struct {
	mu   sync.Mutex
	idle []*desk
}

// mostDesks is how many pictures are computed at once: each takes up to 200 MB.
func mostDesks() int { return min(runtime.GOMAXPROCS(0), 4) }

func (d *desks) take(threads int) *desk {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := &desk{}
	if n := len(d.idle); n > 0 {
		s, d.idle = d.idle[n-1], d.idle[:n-1]
	}
	if s.work == nil || s.threads != threads {
		if s.work != nil {
			s.work.Free()
		}
		s.work, s.threads = nn.NewWork(threads), threads
	}
	return s
}

func (d *desks) put(s *desk) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.idle = append(d.idle, s)
}

func (d *desks) free() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.idle {
		s.free()
	}
	d.idle = nil
}

// laid is the model laid out for processors, made when it is first asked for and again
// after Exclusive.
func (m *Model) laid() (*network, error) {
	m.making.Lock()
	defer m.making.Unlock()
	if m.network == nil {
		n, err := newNetwork(m.Config, m.source)
		if err != nil {
			return nil, err
		}
		m.network = n
	}
	return m.network, nil
}

// compute is forward on processors. With alone the pictures of the batch share all
// cores; with a number of threads they have these, beside other answers.
func (m *Model) compute(ctx context.Context, b *Batch, attention bool, threads int) (*Output, Timing, error) {
	var took Timing
	pictures := len(b.Sizes)
	side := 1
	if threads == alone {
		m.run.Lock()
		defer m.run.Unlock()
		side = min(pictures, mostDesks())
		threads = max(1, runtime.GOMAXPROCS(0)/side)
	} else {
		m.run.RLock()
		defer m.run.RUnlock()
	}
	start := time.Now()
	n, err := m.laid()
	if err != nil {
		return nil, took, err
	}
	n.prepare(ctx, b.Height, b.Width)
	took.Compile = time.Since(start)
	start = time.Now()
	out := m.room(b, attention)
	failed := make([]error, side)
	var group sync.WaitGroup
	for first := range side {
		group.Go(func() {
			s := m.desks.take(threads)
			defer m.desks.put(s)
			for i := first; i < pictures && failed[first] == nil; i += side {
				failed[first] = out.compute(ctx, n, s, b, i)
			}
			if pictures == 1 {
				took.Backbone, took.Transformer = s.backbone, s.transformer
			}
		})
	}
	group.Wait()
	for _, err := range failed {
		if err != nil {
			return nil, took, err
		}
	}
	took.Forward = time.Since(start)
	return out, took, out.check(m)
}

// room is an output to fill.
func (m *Model) room(b *Batch, attention bool) *Output {
	c, pictures := m.Config, len(b.Sizes)
	out := &Output{
		Pictures: pictures, Classes: c.Classes, Heads: c.Heads, Width: c.HiddenDim,
		Rows: b.Rows(c.Stride()), Cols: b.Cols(c.Stride()), Logits: make([]float32, pictures*c.Classes),
		Pooled: make([]float32, pictures*c.HiddenDim),
	}
	if attention {
		cells := out.Rows * out.Cols
		out.Memory = make([]float32, pictures*cells*c.HiddenDim)
		size := pictures * c.Heads * c.Classes * cells
		out.weights = make([]float32, c.DecoderLayers*size)
		for layer := range c.DecoderLayers {
			out.Attention = append(out.Attention, out.weights[layer*size:][:size:size])
			out.States = append(out.States, make([]float32, pictures*c.Classes*c.HiddenDim))
		}
	}
	return out
}

// picture is picture i of a batch: by itself, or on its canvas as published.
func (b *Batch) picture(i, stride int) given {
	height, width := b.Height, b.Width
	switch {
	case b.Exact:
		height, width = b.Sizes[i][0], b.Sizes[i][1]
	case b.own != [2]int{}:
		height, width = b.own[0], b.own[1]
	}
	pixels := b.Pixels[i*b.Height*b.Width*3:][:b.Height*b.Width*3]
	if height != b.Height || width != b.Width {
		pixels = cutRows(pixels, b.Width*3, height, width*3)
	}
	g := given{pixels: nn.Map{Rows: height, Cols: width, Channels: 3, Data: pixels}}
	g.rows, g.cols = b.Region(i, stride)
	return g
}

// compute answers picture i of a batch.
func (out *Output) compute(ctx context.Context, n *network, s *desk, b *Batch, i int) error {
	stride := n.Stride()
	g := b.picture(i, stride)
	rows, cols := cellsOf(g.pixels.Rows, stride), cellsOf(g.pixels.Cols, stride)
	to := taken{logits: out.Logits[i*out.Classes:][:out.Classes], pooled: out.Pooled[i*out.Width:][:out.Width]}
	if out.Attention == nil {
		return n.run(ctx, s, g, to)
	}
	part := func(all []float32) []float32 { return all[i*len(all)/out.Pictures:][:len(all)/out.Pictures] }
	for _, all := range out.States {
		to.states = append(to.states, part(all))
	}
	if rows == out.Rows && cols == out.Cols {
		to.memory = part(out.Memory)
		for _, all := range out.Attention {
			to.attention = append(to.attention, part(all))
		}
		return n.run(ctx, s, g, to)
	}
	to.memory = make([]float32, rows*cols*out.Width)
	for range out.Attention {
		to.attention = append(to.attention, make([]float32, out.Heads*out.Classes*rows*cols))
	}
	if err := n.run(ctx, s, g, to); err != nil {
		return err
	}
	lay(part(out.Memory), to.memory, out.Cols*out.Width, cols*out.Width)
	for l, all := range out.Attention {
		maps := part(all)
		for at := range out.Heads * out.Classes {
			lay(maps[at*out.Rows*out.Cols:], to.attention[l][at*rows*cols:][:rows*cols], out.Cols, cols)
		}
	}
	return nil
}

// cutRows is the top left of a picture whose rows have all numbers.
func cutRows(pixels []float32, all, rows, width int) []float32 {
	cut := make([]float32, 0, rows*width)
	for row := range rows {
		cut = append(cut, pixels[row*all:][:width]...)
	}
	return cut
}
