package train

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/gointr/gointr/pkg/finetune"
)

// eventsFile is named as TensorBoard looks for it: …tfevents….
const eventsFile = "events.out.tfevents.gointr"

// appendEvents adds an epoch to the run's event file: every number of the line
// under its name in log.txt, train_loss as train/loss. The format is TensorFlow's
// (tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto, and
// core/lib/io/record_writer.h for the records).
func appendEvents(dir string, line finetune.Line) error {
	path := filepath.Join(dir, eventsFile)
	var out []byte
	if !fileIs(path) {
		out = record(event(protowire.AppendString(protowire.AppendTag(nil, 3, protowire.BytesType), "brain.Event:2")))
	}
	var summary []byte
	v := reflect.ValueOf(line)
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("json")
		if v.Field(i).Kind() != reflect.Float64 {
			continue
		}
		for _, group := range []string{"train", "test"} {
			if rest, ok := strings.CutPrefix(name, group+"_"); ok {
				name = group + "/" + rest
			}
		}
		value := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), name)
		value = protowire.AppendFixed32(protowire.AppendTag(value, 2, protowire.Fixed32Type),
			math.Float32bits(float32(v.Field(i).Float())))
		summary = protowire.AppendBytes(protowire.AppendTag(summary, 1, protowire.BytesType), value)
	}
	body := protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), uint64(line.Epoch))
	body = protowire.AppendBytes(protowire.AppendTag(body, 5, protowire.BytesType), summary)
	out = append(out, record(event(body))...)
	return appendTo(path, out)
}

// event is an Event with the time of now.
func event(body []byte) []byte {
	now := float64(time.Now().UnixMilli()) / 1000
	return append(protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), math.Float64bits(now)),
		body...)
}

// record frames data with its length and checksums.
func record(data []byte) []byte {
	masked := func(data []byte) uint32 {
		crc := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
		return (crc>>15 | crc<<17) + 0xa282ead8
	}
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	out = binary.LittleEndian.AppendUint32(out, masked(out))
	out = append(out, data...)
	return binary.LittleEndian.AppendUint32(out, masked(data))
}
