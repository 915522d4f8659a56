package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

const (
	askTimeout   = 30 * time.Second // for an answer without a body
	listTimeout  = 5 * time.Second  // for a list that only makes an error friendlier
	maxRedirects = 10
)

func newClient() *http.Client { return &http.Client{CheckRedirect: keepTokenHome} }

// keepTokenHome follows redirects, but shows the token to no other server: Go
// itself would still show it to a subdomain.
func keepTokenHome(next *http.Request, before []*http.Request) error {
	if len(before) >= maxRedirects {
		return errors.New("it redirects without end")
	}
	if first := before[0].URL; next.URL.Scheme != first.Scheme || next.URL.Host != first.Host {
		next.Header.Del("Authorization")
	}
	return nil
}

func newRequest(ctx context.Context, method, address, token string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil || request.URL.Host == "" {
		return nil, fmt.Errorf("%s is no address to download from: check HF_ENDPOINT", address)
	}
	request.Header.Set("User-Agent", "gointr")
	// Sizes and ranges are those of the file, not of a compressed form.
	request.Header.Set("Accept-Encoding", "identity")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return request, nil
}

// unreachable says that no server answered.
func unreachable(ctx context.Context, name string, address *url.URL, err error) error {
	if context.Cause(ctx) == context.Canceled {
		return fmt.Errorf("the search for %s was stopped: %w", name, ctx.Err())
	}
	server := address.Scheme + "://" + address.Host
	if home, parseErr := url.Parse(endpoint()); parseErr == nil && home.Host == address.Host {
		server = "the hub (" + server + ")"
	}
	return fmt.Errorf("could not reach %s for %s (%w): check the network, or download the file elsewhere and "+
		"give its path", server, name, cause(ctx, err))
}

// cause is what happened, without the address that net/http puts before it.
func cause(ctx context.Context, err error) error {
	if context.Cause(ctx) == errStalled {
		return errStalled
	}
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err
	}
	return err
}
