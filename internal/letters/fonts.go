package letters

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode"

	otfont "github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/fontscan"
	"github.com/go-text/typesetting/language"
)

// fallback chooses a font for each letter: the line's own, else one of the system.
type fallback struct {
	own      *otfont.Face
	script   language.Script
	families []string // for Han, by the language of the line
	language language.Language
}

// SetScript is of shaping.FontmapScript.
func (f *fallback) SetScript(s language.Script) { f.script = s }

// ResolveFace is of shaping.Fontmap.
func (f *fallback) ResolveFace(r rune) *otfont.Face {
	if _, ok := f.own.NominalGlyph(r); ok {
		return f.own
	}
	system := systemFonts()
	if system == nil {
		return f.own
	}
	system.SetQuery(fontscan.Query{Families: slices.Concat(f.families, sans)})
	script := f.script
	if r >= 0x1f000 { // emoji belong to no script
		system.SetQuery(fontscan.Query{Families: emoji})
	}
	system.SetScript(script)
	if face := system.ResolveFace(r); face != nil {
		if _, ok := face.NominalGlyph(r); ok {
			return face
		}
	}
	return f.own
}

// Families without serifs and of even strokes, of Linux, macOS and Windows.
var (
	sans = []string{"Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Thai",
		"DejaVu Sans", "Geeza Pro", "Kohinoor Devanagari", "Thonburi", "Segoe UI", "Nirmala UI", "Leelawadee UI",
		"sans-serif"}
	emoji = []string{"Noto Color Emoji", "Apple Color Emoji", "Segoe UI Emoji", "Noto Emoji", "emoji"}
)

// choose says how Han letters are written: as in Japan beside kana, as in Korea beside Hangul, else as the user's own
// language has them, else as in China.
func (f *fallback) choose(s string) {
	has := func(t *unicode.RangeTable) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(t, r) })
	}
	lang := strings.ToLower(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG")))
	switch {
	case has(unicode.Hiragana) || has(unicode.Katakana):
		lang = "ja"
	case has(unicode.Hangul):
		lang = "ko"
	}
	switch {
	case strings.HasPrefix(lang, "ja"):
		f.language = language.NewLanguage("ja")
		f.families = []string{"Noto Sans CJK JP", "Source Han Sans", "Noto Sans JP", "Hiragino Sans", "Yu Gothic",
			"Meiryo"}
	case strings.HasPrefix(lang, "ko"):
		f.language = language.NewLanguage("ko")
		f.families = []string{"Noto Sans CJK KR", "Noto Sans KR", "Apple SD Gothic Neo", "Malgun Gothic"}
	case strings.HasPrefix(lang, "zh_tw"), strings.HasPrefix(lang, "zh_hk"):
		f.language = language.NewLanguage("zh-Hant")
		f.families = []string{"Noto Sans CJK TC", "Noto Sans TC", "PingFang TC", "Microsoft JhengHei"}
	default:
		f.language = language.NewLanguage("zh-Hans")
		f.families = []string{"Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei"}
	}
}

// systemFonts are looked for once, when the first letter is met that needs them; their index is kept in the user's
// cache. There are none where nothing can be read.
var systemFonts = sync.OnceValue(func() *fontscan.FontMap {
	folder := os.TempDir()
	if cache, err := os.UserCacheDir(); err == nil {
		folder = filepath.Join(cache, "gointr")
	}
	if os.MkdirAll(folder, 0o755) != nil {
		return nil
	}
	fonts := fontscan.NewFontMap(silent{})
	if fonts.UseSystemFonts(folder) != nil {
		return nil
	}
	return fonts
})

// Only has letters that the line's own font lacks looked for in some font files instead of the system's, for tests.
func Only(files ...string) error {
	fonts := fontscan.NewFontMap(silent{})
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		if err := fonts.AddFont(file, name, ""); err != nil {
			return err
		}
	}
	one.Lock()
	defer one.Unlock()
	clear(lines)
	systemFonts = func() *fontscan.FontMap { return fonts }
	if len(files) == 0 {
		systemFonts = func() *fontscan.FontMap { return nil }
	}
	return nil
}

type silent struct{}

func (silent) Printf(string, ...any) {}

// installs says which font has the letters of a script.
var installs = []struct {
	scripts []*unicode.RangeTable
	font    string
}{
	{[]*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo},
		"Noto Sans CJK (fonts-noto-cjk)"},
	{[]*unicode.RangeTable{unicode.So, unicode.Sk}, "Noto Color Emoji (fonts-noto-color-emoji)"},
}

var untold struct {
	names, fonts []string
}

// tell keeps what Missing says.
func tell(line []rune, missing map[rune]bool) {
	is := func(r rune) bool { return missing[r] }
	first, last := slices.IndexFunc(line, is), len(line)
	for !is(line[last-1]) {
		last--
	}
	name := string(line[first:min(last, first+24)])
	if !slices.Contains(untold.names, name) && len(untold.names) < 100 {
		untold.names = append(untold.names, name)
	}
	for r := range missing {
		font := "Noto Sans (fonts-noto-core)"
		for _, i := range installs {
			if unicode.In(r, i.scripts...) {
				font = i.font
			}
		}
		if !slices.Contains(untold.fonts, font) {
			untold.fonts = append(untold.fonts, font)
		}
	}
}

// Missing is a sentence about the letters that were boxed since it was asked last, and the fonts to install; "" where
// there were none.
func Missing() string {
	one.Lock()
	defer one.Unlock()
	if len(untold.names) == 0 {
		return ""
	}
	names, fonts := untold.names, slices.Sorted(slices.Values(untold.fonts))
	untold.names, untold.fonts = nil, nil
	clear(lines)
	more := ""
	if len(names) > 3 {
		names, more = names[:3], " and others"
	}
	return "no font here has the letters of " + strings.Join(names, ", ") + more + ": install " +
		strings.Join(fonts, " and ")
}
