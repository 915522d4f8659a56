package datasets_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gointr/gointr/datasets"
	"github.com/gointr/gointr/internal/shared"
)

// download writes a miniature CUB_200_2011 and gives its folder.
func download(t testing.TB, changed map[string]string) string {
	t.Helper()
	files := map[string]string{
		"classes.txt": "1 001.Albatross\n2 002.Bunting\n",
		"images.txt": "1 002.Bunting/b_9.jpg\n2 001.Albatross/a_1.jpg\n3 001.Albatross/a_10.jpg\n4 " +
			"002.Bunting/b_1.jpg\n",
		"image_class_labels.txt": "1 2\n2 1\n3 1\n4 2\n",
		"train_test_split.txt":   "1 1\n2 0\n3 1\n4 0\n",
		"bounding_boxes.txt": "1 60.0 27.0 325.0 304.0\n2 139.0 30.0 153.0 264.0\n3 14.0 112.0 388.0 " +
			"186.0\n4 112.0 90.0 255.0 242.5\n",
		"parts/parts.txt": "1 back\n2 left eye\n10 tail\n",
		"parts/part_locs.txt": "4 1 0.0 0.0 0\n4 2 183.0 101.0 1\n4 10 1.5 2.0 1\n1 10 5.0 6.0 1\n1 2 3.0 " +
			"4.0 1\n1 1 1.0 2.0 1\n",
		"attributes/unwanted.txt":      "nothing",
		"images/001.Albatross/a_1.jpg": "A1", "images/001.Albatross/a_10.jpg": "A10",
		"images/002.Bunting/b_1.jpg": "B1", "images/002.Bunting/b_9.jpg": "B9",
	}
	for name, text := range changed {
		files[name] = text
	}
	root := filepath.Join(t.TempDir(), "CUB_200_2011")
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if text == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func text(t testing.TB, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestImportCUB(t *testing.T) {
	from, to := download(t, nil), filepath.Join(t.TempDir(), "deep", "cub")
	got, err := datasets.ImportCUB(context.Background(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	if want := (datasets.Imported{Classes: 2, Train: 2, Val: 2, Boxes: 4, Parts: 6}); *got != want {
		t.Errorf("%+v, want %+v", *got, want)
	}
	train, val, err := datasets.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(listing(train), listing(val)), "[0 train/001.Albatross/a_10.jpg 1 "+
		"train/002.Bunting/b_9.jpg] [0 val/001.Albatross/a_1.jpg 1 val/002.Bunting/b_1.jpg]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if text(t, train.Path(1)) != "B9" {
		t.Error("a picture is another")
	}
	a, _ := os.Stat(filepath.Join(from, "images", "001.Albatross", "a_10.jpg"))
	b, _ := os.Stat(train.Path(0))
	if !os.SameFile(a, b) {
		t.Error("a picture was copied where a link could be made")
	}
	if got, want := text(t, to, "boxes.csv"), `path,x,y,width,height
train/001.Albatross/a_10.jpg,14.0,112.0,388.0,186.0
val/001.Albatross/a_1.jpg,139.0,30.0,153.0,264.0
train/002.Bunting/b_9.jpg,60.0,27.0,325.0,304.0
val/002.Bunting/b_1.jpg,112.0,90.0,255.0,242.5
`; got != want {
		t.Errorf("boxes.csv\n%s\nwant\n%s", got, want)
	}
	if got, want := text(t, to, "parts.csv"), `path,part,x,y,visible
train/002.Bunting/b_9.jpg,back,1.0,2.0,1
train/002.Bunting/b_9.jpg,left eye,3.0,4.0,1
train/002.Bunting/b_9.jpg,tail,5.0,6.0,1
val/002.Bunting/b_1.jpg,back,0.0,0.0,0
val/002.Bunting/b_1.jpg,left eye,183.0,101.0,1
val/002.Bunting/b_1.jpg,tail,1.5,2.0,1
`; got != want {
		t.Errorf("parts.csv\n%s\nwant\n%s", got, want)
	}
	alone(t, to)

	_, err = datasets.ImportCUB(context.Background(), from, to)
	check(t, err, to, "ROOT is not empty")
}

// alone fails where something was left beside the folder.
func alone(t *testing.T, folder string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(folder))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(folder) {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

func TestImportCUBWithLess(t *testing.T) {
	from := download(t, map[string]string{"bounding_boxes.txt": "", "parts/part_locs.txt": "", "parts/parts.txt": ""})
	// A picture that is a symbolic link is copied: the link may lead elsewhere from its new place.
	picture := filepath.Join(from, "images", "002.Bunting", "b_9.jpg")
	if err := os.Rename(picture, filepath.Join(from, "images", "real")); err != nil {
		t.Fatal(err)
	}
	link(t, filepath.Join("..", "real"), picture)
	to := filepath.Join(t.TempDir(), "cub")
	if err := os.Mkdir(to, 0o777); err != nil { // an empty folder is as good as none
		t.Fatal(err)
	}
	got, err := datasets.ImportCUB(context.Background(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	if got.Boxes != 0 || got.Parts != 0 {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat(filepath.Join(to, "parts.csv")); err == nil {
		t.Error("there is a parts.csv")
	}
	if text(t, to, "train", "002.Bunting", "b_9.jpg") != "B9" {
		t.Error("a picture is another")
	}
}

func TestImportCUBErrors(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"no images.txt": {"images.txt", "", "holds no images.txt: give the folder CUB_200_2011"},
		"no classes":    {"classes.txt", "", "classes.txt cannot be read"},
		"no split": {"train_test_split.txt", "1 1\n2 0\n3 1\n",
			"images.txt, line 4: train_test_split.txt does not say"},
		"another split": {"train_test_split.txt", "1 1\n2 0\n3 2\n4 0\n",
			"images.txt, line 3: train_test_split.txt does not say"},
		"no label": {"image_class_labels.txt", "1 2\n",
			"images.txt, line 2: image_class_labels.txt and classes.txt give picture 2 no class"},
		"another class": {"image_class_labels.txt", "1 2\n2 1\n3 2\n4 2\n",
			"images.txt, line 3: picture 3 is 001.Albatross/a_10.jpg and not in the folder 002.Bunting"},
		"two labels":       {"image_class_labels.txt", "1 2\n1 1\n", "image_class_labels.txt, line 2: 1 comes twice"},
		"a way out":        {"classes.txt", "1 ..\n2 ..\n", "and not in the folder"},
		"a line cut short": {"images.txt", "1 002.Bunting/b_9.jpg\n2\n", "images.txt, line 2: \"2\" has not 2 fields"},
		"a picture twice": {"images.txt", "1 002.Bunting/b_9.jpg\n3 001.Albatross/a_10.jpg\n3 " +
			"001.Albatross/a_10.jpg\n", "images.txt names 001.Albatross/a_10.jpg twice"},
		"a missing picture": {"images.txt", "1 002.Bunting/b_9.jpg\n4 002.Bunting/b_7.jpg\n",
			"b_7.jpg is named in images.txt and is not there"},
		"a box of nothing": {"bounding_boxes.txt", "9 1 2 3 4\n",
			"bounding_boxes.txt, line 1: images.txt has no picture 9"},
		"a box of words": {"bounding_boxes.txt", "1 1 2 wide 4\n",
			"bounding_boxes.txt, line 1: \"wide\" is no number"},
		"an unknown part": {"parts/part_locs.txt", "1 3 1.0 2.0 1\n", "part_locs.txt, line 1: parts.txt has no part 3"},
		"half visible":    {"parts/part_locs.txt", "1 2 1.0 2.0 0.5\n", "part_locs.txt, line 1: \"0.5\" does not say"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := map[string]string{c.file: c.text}
			to := filepath.Join(t.TempDir(), "cub")
			_, err := datasets.ImportCUB(context.Background(), download(t, changed), to)
			check(t, err, to, c.want)
			if _, err := os.Stat(to); err == nil {
				t.Error("something was made all the same")
			}
			alone(t, to)
		})
	}
	t.Run("the folder above", func(t *testing.T) {
		from := download(t, nil)
		_, err := datasets.ImportCUB(context.Background(), filepath.Dir(from), filepath.Join(t.TempDir(), "cub"))
		check(t, err, from, "did you mean ROOT")
	})
	t.Run("stopped", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		to := filepath.Join(t.TempDir(), "cub")
		if _, err := datasets.ImportCUB(ctx, download(t, nil), to); !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
		alone(t, to)
	})
}

// A download made of real pictures and their tables becomes those tables again.
func TestImportedTables(t *testing.T) {
	root := filepath.Join(shared.Dir(t), "data", "cub10")
	rows := func(name string) [][]string {
		all, err := csv.NewReader(strings.NewReader(text(t, root, name))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return all[1:]
	}
	files, classes, parts := map[string]string{}, map[string]bool{}, map[string]int{}
	add := func(file string, fields ...any) { files[file] += fmt.Sprintln(fields...) }
	ids := map[string]string{}
	for i, row := range rows("images.csv") {
		name := row[0][strings.Index(row[0], "/")+1:]
		index, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		id := strconv.Itoa(i + 1)
		ids[row[0]] = id
		train := 0
		if strings.HasPrefix(row[0], "train/") {
			train = 1
		}
		if !classes[row[2]] {
			classes[row[2]] = true
			add("classes.txt", index+1, row[2])
		}
		add("images.txt", id, name)
		add("image_class_labels.txt", id, index+1)
		add("train_test_split.txt", id, train)
		files["images/"+name] = "a picture"
	}
	for _, row := range rows("boxes.csv") {
		add("bounding_boxes.txt", ids[row[0]], row[1], row[2], row[3], row[4])
	}
	for _, row := range rows("parts.csv") {
		if parts[row[1]] == 0 {
			parts[row[1]] = len(parts) + 1
			add("parts/parts.txt", parts[row[1]], row[1])
		}
		add("parts/part_locs.txt", ids[row[0]], parts[row[1]], row[2], row[3], row[4])
	}
	to := filepath.Join(t.TempDir(), "cub10")
	got, err := datasets.ImportCUB(context.Background(), download(t, files), to)
	if err != nil {
		t.Fatal(err)
	}
	if want := (datasets.Imported{Classes: 10, Train: 300, Val: 145, Boxes: 445, Parts: 6675}); *got != want {
		t.Errorf("%+v, want %+v", *got, want)
	}
	for _, name := range []string{"boxes.csv", "parts.csv"} {
		if text(t, to, name) != text(t, root, name) {
			t.Errorf("%s is not the one it was made of", name)
		}
	}
}

func TestPublished(t *testing.T) {
	want := map[string]int{"cub": 200, "bird525": 525, "fish": 183, "dog": 120, "butterfly": 65, "pet": 37, "car": 196,
		"craft": 100}
	for _, d := range datasets.Published {
		if d.Classes != want[d.Name] || d.Title == "" || d.Page == "" || (d.Acc1 == 0) != (d.Acc5 == 0) ||
			d.Acc5 < d.Acc1 {
			t.Errorf("%+v", d)
		}
		delete(want, d.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing are %v", want)
	}
	if d, ok := datasets.Find("bird525"); !ok || d.Acc1 != 97.4 || d.Acc5 != 99.2 {
		t.Errorf("%+v %v", d, ok)
	}
	if _, ok := datasets.Find("birds"); ok {
		t.Error("there is a dataset birds")
	}
}
