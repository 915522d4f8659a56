package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// A download brings one file. What has arrived is kept beside it with ".incomplete" at the end, and the next download
// goes on from there. Only a whole and verified file gets the name.
type download struct {
	name   string // for people
	url    string
	token  string
	path   string // where the file goes
	lock   string // held while downloading
	size   int64  // bytes; -1 until the server says
	digest string // 40 digits: git's SHA-1; else the SHA-256, or its first digits

	refused func(context.Context, *http.Response) error // words for a status of 400 and more

	have int64 // bytes that have arrived
}

// Variables, so that tests need not wait.
var (
	stallTimeout = 30 * time.Second // a server that sends nothing for so long has gone
	retryDelay   = time.Second      // before the first new try; it doubles
	lockDelay    = 200 * time.Millisecond
)

// maxTries is how often in a row a download may bring nothing.
const maxTries = 5

var errStalled = errors.New("the server fell silent")

// cut is a failure that another try may mend.
type cut struct{ error }

func (c cut) Unwrap() error { return c.error }

func (d *download) run(ctx context.Context, progress io.Writer) (err error) {
	if isFile(d.path) {
		return nil
	}
	const noCache = "the cache cannot be written: %w: set HF_HOME to a folder that can"
	for _, dir := range []string{filepath.Dir(d.path), filepath.Dir(d.lock)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf(noCache, err)
		}
	}
	lock, err := d.waitForLock(ctx, progress)
	if err != nil {
		return err
	}
	defer lock.Close()
	if isFile(d.path) { // another program brought it meanwhile
		return nil
	}
	part := d.path + ".incomplete"
	file, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf(noCache, err)
	}
	meter, useless := &meter{w: progress, name: d.name, path: d.path}, false
	defer func() {
		file.Close()
		if useless {
			os.Remove(part)
		}
		if err != nil {
			meter.stop()
		}
	}()
	if err := d.receive(ctx, file, meter); err != nil {
		useless = d.have == 0
		return err
	}
	if err := d.verify(ctx, file); err != nil {
		useless = ctx.Err() == nil
		return err
	}
	err = errors.Join(file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(part, d.path)
	}
	if err != nil {
		return fmt.Errorf("%s could not be written: %w", d.name, err)
	}
	meter.done(d.size)
	return nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// waitForLock lets one program at a time download a file. Python's huggingface_hub holds the same lock.
func (d *download) waitForLock(ctx context.Context, progress io.Writer) (*flock.Flock, error) {
	lock := flock.New(d.lock, flock.SetPermissions(0o644))
	locked, err := lock.TryLock()
	if err == nil && !locked {
		fmt.Fprintf(progress, "another program is downloading %s: waiting for it\n", d.name)
		_, err = lock.TryLockContext(ctx, lockDelay)
	}
	if ctx.Err() != nil {
		lock.Close()
		return nil, fmt.Errorf("the download of %s was stopped: %w", d.name, ctx.Err())
	}
	if err != nil {
		return nil, fmt.Errorf("%s could not be locked: %w", d.lock, err)
	}
	return lock, nil
}

// receive fills the file to its size, from where it is.
func (d *download) receive(ctx context.Context, file *os.File, meter *meter) error {
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("%s could not be read: %w", file.Name(), err)
	}
	d.have = info.Size()
	if d.size >= 0 && d.have > d.size {
		if err := d.startAgain(file); err != nil {
			return err
		}
	}
	failed, delay := 0, retryDelay
	for d.size < 0 || d.have < d.size {
		before := d.have
		err := d.attempt(ctx, file, meter)
		if ctx.Err() != nil {
			return fmt.Errorf("the download of %s was stopped, and the next one goes on from %s: %w", d.name,
				amount(d.have), ctx.Err())
		}
		if err == nil {
			continue
		}
		var again cut
		if !errors.As(err, &again) {
			return err
		}
		if d.have > before {
			failed, delay = 0, retryDelay
		}
		if failed++; failed == maxTries {
			return fmt.Errorf("the download of %s broke off at %s (%w): try again, and it goes on from there", d.name,
				amount(d.have), again.error)
		}
		select {
		case <-time.After(delay):
			delay *= 2
		case <-ctx.Done():
		}
	}
	return nil
}

func (d *download) startAgain(file *os.File) error {
	d.have = 0
	if err := file.Truncate(0); err != nil {
		return fmt.Errorf("%s could not be written: %w", file.Name(), err)
	}
	return nil
}

// attempt asks for what is missing and writes what comes.
func (d *download) attempt(ctx context.Context, file *os.File, meter *meter) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stalled := time.AfterFunc(stallTimeout, func() { stop(errStalled) })
	defer stalled.Stop()

	request, err := newRequest(ctx, http.MethodGet, d.url, d.token)
	if err != nil {
		return err
	}
	if d.have > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", d.have))
	}
	response, err := newClient().Do(request)
	if err != nil {
		if meter.started { // it was reached before
			return cut{cause(ctx, err)}
		}
		return unreachable(ctx, d.name, request.URL, err)
	}
	defer response.Body.Close()
	if whole, err := d.accept(ctx, response, file); whole || err != nil {
		return err
	}
	meter.start(d.have, d.size)
	if _, err := file.Seek(d.have, io.SeekStart); err != nil {
		return fmt.Errorf("%s could not be written: %w", file.Name(), err)
	}
	return d.copy(ctx, response.Body, file, func() {
		stalled.Reset(stallTimeout)
		meter.set(d.have)
	})
}

// accept compares an answer with what was asked for; the file may be there whole already.
func (d *download) accept(ctx context.Context, response *http.Response, file *os.File) (whole bool, err error) {
	total := response.ContentLength
	switch status := response.StatusCode; {
	case status == http.StatusOK: // all of it, whatever was asked for
		if err := d.startAgain(file); err != nil {
			return false, err
		}
	case status == http.StatusPartialContent:
		from, all, ok := contentRange(response)
		if !ok || from != d.have {
			return false, errors.Join(cut{errors.New("the server sent another part than was asked for")},
				d.startAgain(file))
		}
		total = all
	case status == http.StatusRequestedRangeNotSatisfiable:
		if _, all, _ := contentRange(response); all == d.have && d.size < 0 {
			d.size = all
			return true, nil
		}
		return false, errors.Join(cut{errors.New("the server has less than what is here")}, d.startAgain(file))
	case status == http.StatusTooManyRequests || status >= 500:
		return false, cut{errors.New(response.Status)}
	case status >= 400:
		return false, d.refused(ctx, response)
	default:
		return false, fmt.Errorf("%s was answered with %s: try again later", d.name, response.Status)
	}
	if err := d.settleSize(total); err != nil {
		return false, err
	}
	return false, d.fits()
}

// copy writes what comes to the end of the file, and tells of every piece.
func (d *download) copy(ctx context.Context, body io.Reader, file *os.File, came func()) error {
	buffer := make([]byte, 256<<10)
	for {
		n, err := body.Read(buffer)
		if d.have+int64(n) > d.size {
			return errors.Join(fmt.Errorf("%s is larger than the %s announced: try again later", d.name,
				amount(d.size)), d.startAgain(file))
		}
		if _, err := file.Write(buffer[:n]); err != nil {
			return fmt.Errorf("%s could not be written: %w", d.name, err)
		}
		d.have += int64(n)
		came()
		switch {
		case err == nil:
		case d.have == d.size:
			return nil
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return cut{errors.New("the connection was cut")}
		default:
			return cut{cause(ctx, err)}
		}
	}
}

// settleSize compares what was announced with what is sent.
func (d *download) settleSize(total int64) error {
	switch {
	case d.size < 0 && total < 0:
		return fmt.Errorf("the server does not say how large %s is: try again later", d.name)
	case d.size < 0:
		d.size = total
	case total >= 0 && total != d.size:
		return fmt.Errorf("%s should have %s and %s are sent: try again later", d.name, amount(d.size), amount(total))
	}
	return nil
}

func (d *download) fits() error {
	dir := filepath.Dir(d.path)
	if free, ok := freeSpace(dir); ok && d.size-d.have > free {
		return fmt.Errorf("%s needs %s more and %s has room for %s: make room, or set HF_HOME to another disk", d.name,
			amount(d.size-d.have), dir, amount(free))
	}
	return nil
}

// contentRange reads "bytes 5-9/10" as 5 and 10, and "bytes */10" as -1 and 10.
func contentRange(response *http.Response) (from, all int64, ok bool) {
	from, all = -1, -1
	header := response.Header.Get("Content-Range")
	if n, _ := fmt.Sscanf(header, "bytes %d-%d/%d", &from, new(int64), &all); n >= 2 {
		return from, all, true
	}
	n, _ := fmt.Sscanf(header, "bytes */%d", &all)
	return -1, all, n == 1
}

// verify compares the file with its digest.
func (d *download) verify(ctx context.Context, file *os.File) error {
	var digest hash.Hash
	kind := "SHA-256"
	if len(d.digest) == 2*sha1.Size {
		kind, digest = "git SHA-1", sha1.New()
		fmt.Fprintf(digest, "blob %d\x00", d.size)
	} else {
		digest = sha256.New()
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("%s could not be read: %w", file.Name(), err)
	}
	if _, err := io.Copy(digest, untilDone{ctx, file}); err != nil {
		return fmt.Errorf("%s could not be verified: %w", d.name, err)
	}
	if got := hex.EncodeToString(digest.Sum(nil)); !strings.HasPrefix(got, d.digest) {
		return fmt.Errorf("%s arrived damaged and was thrown away: its %s is %s and should be %s; try again", d.name,
			kind, got[:len(d.digest)], d.digest)
	}
	return nil
}

// untilDone stops reading when the context ends.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
