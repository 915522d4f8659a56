package relay

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

var delimiter = []byte("<IDS|MSG>")

// message is one of Jupyter's: https://jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol.
type message struct {
	to       [][]byte // whom it is from, or goes to; on IOPub the topic
	header   header
	parent   header
	metadata json.RawMessage
	content  json.RawMessage
	buffers  [][]byte
}

// header has all of its fields on the wire, the empty ones too: JupyterLab passes over messages that lack one.
type header struct {
	ID       string `json:"msg_id"`
	Session  string `json:"session"`
	Username string `json:"username"`
	Date     string `json:"date"`
	Type     string `json:"msg_type"`
	Version  string `json:"version"`
}

// signer signs and checks with the key of a connection file.
type signer []byte

func (s signer) of(parts [][]byte) []byte {
	if len(s) == 0 {
		return nil
	}
	mac := hmac.New(sha256.New, s)
	for _, p := range parts {
		mac.Write(p)
	}
	return hex.AppendEncode(nil, mac.Sum(nil))
}

// read makes a message of its frames. One whose signature is wrong is an error.
func (s signer) read(frames [][]byte) (*message, error) {
	at := 0
	for at < len(frames) && !bytes.Equal(frames[at], delimiter) {
		at++
	}
	if len(frames) < at+6 {
		return nil, errors.New("a message is cut short")
	}
	parts := frames[at+2 : at+6]
	if !hmac.Equal(s.of(parts), frames[at+1]) && len(s) > 0 {
		return nil, errors.New("a message is not signed with this kernel's key")
	}
	m := &message{to: frames[:at], metadata: parts[2], content: parts[3], buffers: frames[at+6:]}
	if err := json.Unmarshal(parts[0], &m.header); err != nil {
		return nil, fmt.Errorf("a message's header: %w", err)
	}
	// The parent of a request is {}; some clients say null.
	if err := json.Unmarshal(parts[1], &m.parent); err != nil {
		return nil, fmt.Errorf("a message's parent: %w", err)
	}
	return m, nil
}

// frames is a message as it goes over the wire.
func (s signer) frames(m *message) [][]byte {
	head, err := json.Marshal(m.header)
	if err != nil {
		panic(err) // strings only
	}
	parent := []byte("{}")
	if m.parent != (header{}) {
		if parent, err = json.Marshal(m.parent); err != nil {
			panic(err)
		}
	}
	metadata := m.metadata
	if len(metadata) == 0 {
		metadata = []byte("{}")
	}
	parts := [][]byte{head, parent, metadata, m.content}
	frames := append([][]byte{}, m.to...)
	frames = append(frames, delimiter, s.of(parts))
	return append(append(frames, parts...), m.buffers...)
}

// with is the message with other content.
func (m *message) with(content any) *message {
	data, err := json.Marshal(content)
	if err != nil {
		panic(err) // what was read from JSON, or of our own types
	}
	changed := *m
	changed.content = data
	return &changed
}

// answer is a new message in answer to m.
func (m *message) answer(kind string, content any) *message {
	a := &message{to: m.to, parent: m.header, header: m.header}
	a.header.ID, a.header.Type = newID(), kind
	a.header.Date = time.Now().UTC().Format(time.RFC3339Nano)
	return a.with(content)
}

func newID() string { return rand.Text() }

// fields reads a message's content; numbers stay as they were written.
func (m *message) fields() map[string]any {
	var content map[string]any
	d := json.NewDecoder(bytes.NewReader(m.content))
	d.UseNumber()
	if d.Decode(&content) != nil || content == nil {
		content = map[string]any{}
	}
	return content
}
