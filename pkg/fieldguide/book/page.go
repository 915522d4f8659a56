package book

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"image"
	"image/draw"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/fieldguide"
	"github.com/gointr/gointr/pkg/page"
)

//go:embed page.html page.css
var pageFiles embed.FS

var pageTemplate = page.Parse(pageFiles, "page")

// The pictures of a page are made as small as its classes need for it to stay below 10 MB: a sheet of patches for each
// class, and three examples.
const (
	pageBytes   = 6_000_000
	sheetPart   = 0.65
	sheetBytes  = 0.31 // of a patch's pixel, as base64
	photoBytes  = 0.19 // of an example's
	sheetJPEG   = 78
	exampleJPEG = 75
)

func sizes(g *fieldguide.Guide) (patch, example int) {
	n := float64(len(g.Species) + len(g.LookAlikes))
	strips := n * float64(max(1, g.About.Heads)*g.About.Patches)
	patch = int(math.Sqrt(pageBytes * sheetPart / (strips * sheetBytes)))
	example = int(math.Sqrt(pageBytes * (1 - sheetPart) / (float64(max(1, len(g.Species))) * 3 * 0.8 * photoBytes)))
	largest := 1 // more pixels than the pictures have show no more
	for _, s := range slices.Concat(g.Species, g.LookAlikes) {
		for _, h := range s.Heads {
			for _, p := range h.Patches {
				largest = max(largest, p.Square.Dx())
			}
		}
	}
	return min(max(min(patch, largest), 36), 112), min(max(example, 140), 340)
}

// pageBody is what page.html shows.
type pageBody struct {
	Title, Count, Dataset string
	About                 fieldguide.About
	Right, Pictures       int
	Index                 []pageEntry
	Cards                 []*pageCard
	Sheets                []sheet
}

// sheet is all patches of a class: a row a head.
type sheet struct {
	page.Picture
	Number int
}

type pageEntry struct {
	Number   int
	Name, By string
}

type pageCard struct {
	Number            int
	Name, Says, Facts string
	Like              string
	Examples          []pageExample
	Heads             []pageRow
}

type pageExample struct {
	page.Picture
	Alt, Caption string
}

type pageRow struct {
	Number int
	Sides  []pageSide
}

type pageSide struct {
	Diffuse          bool
	Who, Alt, Note   string
	Sheet            bool
	Class            int // of the sheet
	Y, Width, Height int
	Patches, End     int // how many it has, and where it ends: what is blank there is the page
	Parts            []pageShare
}

type pageShare struct {
	fieldguide.Share
	Text string
}

// WriteHTML writes the guide as one page that needs nothing else, below 10 MB for 200 classes. It reads the pictures
// that it shows again, a class at a time: the error is that of w or ctx, or a picture is gone or has changed its size.
func WriteHTML(ctx context.Context, g *fieldguide.Guide, w io.Writer) error {
	patch, long := sizes(g)
	body := pageBody{Title: "Field guide: " + title(g), Count: "this species", About: g.About}
	body.Dataset = filepath.Base(filepath.Clean(g.About.Dataset))
	if n := len(g.Species); n != 1 {
		body.Count = fmt.Sprintf("%d species", n)
	}
	f := &files{root: g.Root, upright: g.About.Upright}
	sheet := func(s *fieldguide.Species) error {
		patches, err := patchSheet(g, f, s, patch)
		body.Sheets = append(body.Sheets, patches)
		clear(f.kept)
		return cmp.Or(err, ctx.Err())
	}
	for i := range g.Species {
		s := &g.Species[i]
		body.Right += s.Right
		body.Pictures += s.Pictures
		entry := pageEntry{Number: s.Index, Name: attention.Plain(s.Name)}
		if len(s.Heads) > 0 && s.Heads[0].Steady(g.About.Heads) {
			entry.By = s.Heads[0].Top().Part
		}
		body.Index = append(body.Index, entry)
		card, err := card(g, f, s, patch, long)
		if err != nil {
			return err
		}
		body.Cards = append(body.Cards, card)
		if err := sheet(s); err != nil {
			return err
		}
	}
	for i := range g.LookAlikes {
		if err := sheet(&g.LookAlikes[i]); err != nil {
			return err
		}
	}
	slices.SortStableFunc(body.Index, func(a, b pageEntry) int { return cmp.Compare(a.Number, b.Number) })
	return pageTemplate.Write(w, page.Content{
		Title: body.Title, Body: body, Model: g.From, Facts: facts(g),
	})
}

// facts are where the guide comes from, but for the model.
func facts(g *fieldguide.Guide) []page.Fact {
	a := g.About
	pictures := fmt.Sprintf("%s of %s, digest %s", a.Split, a.Dataset, a.DatasetDigest)
	if a.PartsDigest != "" {
		pictures += "; parts.csv, SHA-256 " + a.PartsDigest
	}
	return []page.Fact{
		{"Pictures", pictures},
		{"Maps", fmt.Sprintf("decoder layer %d; %d patches a head, %d cells wide", a.Layer+1, a.Patches, a.Cells)},
		{"Data", "The .csv and .json beside this page have every number. There heads count from 0: head 1 is head 0."},
		{"Method", "INTR: Paul et al., A Simple Interpretable Transformer for Fine-Grained Image Classification and " +
			"Analysis, ICLR 2024. Intervals: Wilson 1927."},
	}
}

func title(g *fieldguide.Guide) string {
	if len(g.Species) == 1 {
		return attention.Plain(g.Species[0].Name)
	}
	return fmt.Sprintf("%d species of %s", len(g.Species), filepath.Base(filepath.Clean(g.About.Dataset)))
}

func patchSheet(g *fieldguide.Guide, f *files, s *fieldguide.Species, side int) (sheet, error) {
	rows, places, gap := max(1, g.About.Heads), g.About.Patches, stripGap(side)
	all := image.NewRGBA(image.Rect(0, 0, places*side+(places-1)*gap, rows*side+(rows-1)*gap))
	draw.Draw(all, all.Rect, image.White, image.Point{}, draw.Src)
	for i := range s.Heads {
		strip, err := f.strip(&s.Heads[i], places, side)
		if err != nil {
			return sheet{}, err
		}
		draw.Draw(all, strip.Rect.Add(image.Pt(0, s.Heads[i].Index*(side+gap))), strip, image.Point{}, draw.Src)
	}
	picture, err := page.JPEG(all, sheetJPEG)
	return sheet{picture, s.Index}, err
}

// card is the card of a class with its pictures, patches of a size and examples at most long.
func card(g *fieldguide.Guide, f *files, s *fieldguide.Species, patch, long int) (*pageCard, error) {
	card := words(g, s)
	for _, x := range whole(g, s) {
		pixels, err := f.example(x.patch, x.m, long)
		if err != nil {
			return nil, err
		}
		picture, err := page.JPEG(pixels, exampleJPEG)
		if err != nil {
			return nil, err
		}
		card.Examples = append(card.Examples, pageExample{picture, x.alt, x.caption})
	}
	gap, places := stripGap(patch), g.About.Patches
	for i := range card.Heads {
		for k := range card.Heads[i].Sides {
			side := &card.Heads[i].Sides[k]
			side.Y, side.Width, side.Height = s.Heads[i].Index*(patch+gap), places*(patch+gap)-gap, patch
			side.End = side.Patches*(patch+gap) - gap + 1
		}
	}
	return card, nil
}

// words are those of a class's card.
func words(g *fieldguide.Guide, s *fieldguide.Species) *pageCard {
	name, like := attention.Plain(s.Name), attention.Plain(s.Like)
	card := &pageCard{Number: s.Index, Name: name, Says: together(s.Says), Like: like, Facts: counts(g, s)}
	other := g.At(s.LookAlike)
	for i := range s.Heads {
		h := &s.Heads[i]
		row := pageRow{Number: h.Index + 1, Sides: []pageSide{side(g, s, h)}}
		switch beside := other.Head(h.Index); {
		case beside != nil:
			row.Sides = append(row.Sides, side(g, other, beside))
		case other != nil:
			row.Sides = append(row.Sides, pageSide{Who: like, Note: "None of its pictures was recognised."})
		}
		card.Heads = append(card.Heads, row)
	}
	return card
}

func onThe(p fieldguide.Patch) string {
	if p.On == "" {
		return ""
	}
	return ", on the " + p.On
}

// counts is a class's numbers in a line.
func counts(g *fieldguide.Guide, s *fieldguide.Species) string {
	text := fmt.Sprintf("%d of %s recognised.", s.Right, fieldguide.Counted(s.Pictures))
	if s.LookAlike < 0 {
		return text
	}
	like := attention.Plain(s.Like)
	text += fmt.Sprintf(" Look-alike: %s, whose score comes nearest on average (%.1f below); ", like, s.Margin)
	if s.Margin < 0 {
		text = fmt.Sprintf("%d of %s recognised. Look-alike: %s, whose score is higher on average (by %.1f); ",
			s.Right, fieldguide.Counted(s.Pictures), like, -s.Margin)
	}
	switch s.Taken {
	case 0:
		text += "no picture was taken for it."
	case 1:
		text += "one was taken for it."
	default:
		text += fmt.Sprintf("%d were taken for it.", s.Taken)
	}
	if s.Nearer != "" {
		text += fmt.Sprintf(" Of all %d classes %s comes nearer still, but has no pictures here.",
			g.About.Classes, attention.Plain(s.Nearer))
	}
	return text
}

// partsShown is how many parts are told of a head.
const partsShown = 2

func side(g *fieldguide.Guide, s *fieldguide.Species, h *fieldguide.Head) pageSide {
	name := attention.Plain(s.Name)
	side := pageSide{Diffuse: h.Diffuse, Who: name, Sheet: true, Class: s.Index, Patches: len(h.Patches)}
	side.Alt = fmt.Sprintf("%d patches of %s that head %d attended to most", len(h.Patches), name, h.Index+1)
	if on := shownOn(h); on != "" {
		side.Alt += ": " + on
	}
	for i, share := range h.Parts {
		if i == partsShown || share.Hits == 0 {
			break
		}
		side.Parts = append(side.Parts, pageShare{share, fmt.Sprintf("%s %s (%.0f–%.0f)", share.Part,
			together(fieldguide.Percent(share.Share)), math.Floor(share.Range[0]), math.Ceil(share.Range[1]))})
	}
	switch {
	case h.Diffuse:
		side.Note = fmt.Sprintf("diffuse: spread over %s of the picture", fieldguide.Percent(100*h.Spread))
	case len(h.Parts) == 0:
		side.Note = fmt.Sprintf("%s of its attention lies in the patch", fieldguide.Percent(100*h.Strength))
	case h.Top() == nil:
		side.Note = "on no known part"
	}
	side.Note = together(side.Note)
	return side
}

// together keeps a number and its percent sign on one line.
func together(text string) string { return strings.ReplaceAll(text, " %", "\u00a0%") }

// shownOn is which parts the patches of a head are on: "3 on the beak, 2 on the eye".
func shownOn(h *fieldguide.Head) string {
	counts := map[string]int{}
	var order []string
	for _, p := range h.Patches {
		if p.On != "" && counts[p.On] == 0 {
			order = append(order, p.On)
		}
		counts[p.On]++
	}
	for i, on := range order {
		order[i] = fmt.Sprintf("%d on the %s", counts[on], on)
	}
	return strings.Join(order, ", ")
}
