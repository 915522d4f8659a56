// Package wire is what a session and its callers say to each other over a Unix
// socket. A connection is one call:
//
//	session  Hello
//	caller   Request   (with Answer that names no file: height*width*3 bytes of pixels follow;
//	                    with Draw: what is to be drawn, by encoding/gob)
//	session  Reply...  (lines that only tell progress or, empty and every Beat, that
//	                    the session lives; then the one that is Done; with Answer:
//	                    the numbers follow, float32 as in memory; with Draw: the drawing)
//
// each a line of JSON. A caller that closes the connection wants nothing any more.
package wire

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unsafe"

	"github.com/gointr/gointr/pkg/attention"
	"github.com/gointr/gointr/pkg/faithful"
	"github.com/gointr/gointr/pkg/model"
)

// Protocol changes with anything that an older session would not understand.
const Protocol = 6

// Beat is how often a session that works at a call says that it lives.
const Beat = 2 * time.Second

// Hello is what a session says first.
type Hello struct {
	Protocol int    `json:"protocol"`
	Program  string `json:"program"` // the path it was started from
	Built    int64  `json:"built"`   // when that file was written, Unix nanoseconds
}

// What a caller can ask for.
const (
	Open   = "open"   // Opened: load it, unless it is there
	Answer = "answer" // Model, Picture or File: the logits and, with Maps, all attention maps
	Draw   = "draw"   // Drawn: a figure or a page, in the form of a file that ends with Form
	Status = "status"
	Stop   = "stop" // end; with IfIdle only when nothing is being done. As a second line of FineTune: stop and save
	// FineTune: train in the folder Run, or join the training that is there. The
	// training goes on when its caller leaves.
	FineTune = "finetune"
	// Look: Model, Options: study a class, or make a field guide. What Draw draws of it is kept until its caller
	// leaves.
	Look = "look"
	// Faithful: Model, Options: measure whether its maps tell the truth. It ends
	// when its caller leaves.
	Faithful = "faithful"
)

// Request is one call.
type Request struct {
	Do         string `json:"do"`
	Checkpoint string `json:"checkpoint,omitempty"` // as the user names it
	Folder     string `json:"folder,omitempty"`     // that its path starts from
	Backend    string `json:"backend,omitempty"`
	Weights    string `json:"weights,omitempty"` // of a checkpoint that holds several
	Digest     string `json:"digest,omitempty"`  // of the checkpoint that was opened
	Image      string `json:"image,omitempty"`   // what the picture is called
	Height     int    `json:"height,omitempty"`
	Width      int    `json:"width,omitempty"`
	Maps       bool   `json:"maps,omitempty"`
	File       string `json:"file,omitempty"`    // of the picture, in full, where the session is to read it
	Upright    bool   `json:"upright,omitempty"` // turned as it says
	Bytes      int    `json:"bytes,omitempty"`   // that follow, with Draw
	Form       string `json:"form,omitempty"`
	IfIdle     bool   `json:"if_idle,omitempty"`

	Run     string          `json:"run,omitempty"`     // folder
	Options json.RawMessage `json:"options,omitempty"` // finetune.Options, or with Faithful Measured, with Look Looked
}

// Reply is one line of what a session says to a request.
type Reply struct {
	Progress string          `json:"progress,omitempty"`
	Event    json.RawMessage `json:"event,omitempty"` // finetune.Event, or faithful.Progress
	Done     bool            `json:"done,omitempty"`
	Error    string          `json:"error,omitempty"`   // a sentence
	Gone     bool            `json:"gone,omitempty"`    // the error is that the session ends
	Stopped  bool            `json:"stopped,omitempty"` // the error is that the training was stopped and saved
	Early    bool            `json:"early,omitempty"`   // or that it was before it made a batch
	Unknown  bool            `json:"unknown,omitempty"` // the error is that what was only named is not kept
	Result   json.RawMessage `json:"result,omitempty"`
	Bytes    int             `json:"bytes,omitempty"` // that follow
}

// Opened is the result of Open.
type Opened struct {
	Path     string   `json:"path"`
	Digest   string   `json:"digest"`
	Config   string   `json:"config"`
	Classes  int      `json:"classes"`
	Names    []string `json:"names,omitempty"` // that the checkpoint has of its classes
	EvalSize int      `json:"eval_size"`       // short side that pictures are resized to before they are sent
	Upright  bool     `json:"upright"`         // the caller turns pictures as their files say
	Engine   string   `json:"engine"`          // its title
	Backend  string   `json:"backend"`         // its kind
}

// Answered is the result of Answer; Classes logits follow, then Width of pooled memory, then the weights.
type Answered struct {
	Classes, Width, Layers, Heads, Rows, Cols int

	Likeness                     *attention.Likeness
	Wait, Load, Compile, Forward int64 // nanoseconds
	Kept                         bool  // the answer was there from before

	Name     string // by which the session knows the answer, as long as it is kept
	Original [2]int // width and height of the picture in File
	Input    [2]int // and as the network saw it
	Marked   int    // how File says that it is to be turned: picture.Orientation
	Pixels   string // digest of File's pixels
}

// Drawn is the result of Draw; what was drawn follows.
type Drawn struct {
	Width   float64 `json:"width,omitempty"` // of a figure, in points
	Caption string  `json:"caption,omitempty"`
	Missing string  `json:"missing,omitempty"` // tells of letters that no font has
}

// Stopping is the result of Stop.
type Stopping struct {
	Trainings int // that are saved first
}

// Measured are the options of Faithful.
type Measured struct {
	faithful.Options
	Names   []string `json:"names,omitempty"` // of the classes, where the caller gave some
	Upright bool     `json:"upright,omitempty"`
}

// Looked are the options of Look: one of Study and Guide.
type Looked struct {
	About   model.About     // of the model
	Dataset string          // in full
	Named   string          // as the caller named it
	Study   json.RawMessage `json:",omitempty"` // session.StudyOptions
	Guide   json.RawMessage `json:",omitempty"` // fieldguide.Options
}

// Progress tells how far Look is.
type Progress struct {
	Doing    string
	Done, Of int
}

// maxLine is longer than any line of either side: a report of curves has some
// megabytes at most.
const maxLine = 16 << 20

// Write writes one line.
func Write(w io.Writer, message any) error {
	line, err := json.Marshal(message)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// Reader reads lines and the numbers between them.
func Reader(r io.Reader) *bufio.Reader { return bufio.NewReaderSize(r, 1<<16) }

// Read reads one line.
func Read(r *bufio.Reader, message any) error {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if err == io.EOF && len(line) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if len(line) > maxLine {
			return errors.New("a line is too long")
		}
	}
	if err := json.Unmarshal(line, message); err != nil {
		return fmt.Errorf("a line is no JSON: %w", err)
	}
	return nil
}

// Bytes are float32 as they lie in memory: both ends are on one machine.
func Bytes(numbers []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(numbers))), 4*len(numbers))
}

// Numbers are bytes of ReadBytes as float32.
func Numbers(bytes []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(bytes))), len(bytes)/4)
}

// ReadBytes reads n bytes, to where float32 may lie.
func ReadBytes(r io.Reader, n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	bytes := Bytes(make([]float32, (n+3)/4))[:n]
	_, err := io.ReadFull(r, bytes)
	return bytes, err
}
