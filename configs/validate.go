package configs

import (
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// longestSpan bounds every duration, so that sums of them cannot overflow.
const longestSpan = 10 * 365 * 24 * time.Hour

// Validate judges the configuration as a whole, without looking at the disk.
// The error is a Mistakes that lists everything that is wrong.
func (c Config) Validate() error {
	return c.validate(nil).err()
}

// validate is Validate, but concludes nothing from the keys in unread, whose
// values are not what the operator meant.
func (c Config) validate(unread map[string]bool) Mistakes {
	v := &validator{origins: c.origins, doubtful: map[string]bool{}}
	for key := range unread {
		v.doubtful[key] = true
	}
	v.nats(c.NATS)
	v.provider(c.Provider)
	v.retry(c.Retry)
	v.keeping(c)
	v.service(c)
	v.accounts(c)
	return v.mistakes
}

// validator gathers mistakes in values.
type validator struct {
	origins map[string]Origin
	// doubtful holds the keys whose values are wrong in themselves: comparing
	// another value with them would only confuse.
	doubtful map[string]bool
	mistakes Mistakes
}

// refuse notes a mistake, unless the value or one that it was compared with is
// known to be wrong already.
func (v *validator) refuse(key, rule, fix string, comparedWith ...string) {
	if v.doubtful[key] || slices.ContainsFunc(comparedWith, func(other string) bool { return v.doubtful[other] }) {
		return
	}
	// A value that is wrong only beside another one can still be compared.
	if len(comparedWith) == 0 {
		v.doubtful[key] = true
	}
	v.note(key, rule, fix)
}

func (v *validator) note(key, rule, fix string) {
	v.mistakes = append(v.mistakes, Mistake{Origin: v.origins[key], Key: key, Rule: rule, Fix: fix})
}

func (v *validator) refuseFault(key string, f *fault) {
	if f != nil {
		v.refuse(key, f.rule, f.fix)
	}
}

// span demands a positive duration.
func (v *validator) span(key string, d time.Duration) {
	switch {
	case d <= 0:
		v.refuse(key, "must be more than 0, is "+formatDuration(d), "give a positive duration, such as 30s")
	case d > longestSpan:
		v.refuse(key, "must be at most "+formatDuration(longestSpan)+" (ten years), is "+formatDuration(d), "shorten it")
	}
}

func (v *validator) atMost(key string, n, most int, unit string) {
	if n < 1 || n > most {
		v.refuse(key, fmt.Sprintf("must be from 1 to %d%s, is %d", most, unit, n), "choose a number in that range")
	}
}

func oneOf[T ~string](v *validator, key string, value T, allowed ...T) {
	if slices.Contains(allowed, value) {
		return
	}
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	list := strings.Join(names, ", ")
	v.refuse(key, "must be one of "+list+", is "+quote(string(value)), didYouMean(strings.ToLower(string(value)), names, "choose one of them"))
}

func (v *validator) provider(p Provider) {
	const base = "provider.base_url"
	v.refuseFault(base, checkHTTPURL(p.BaseURL))
	if strings.ContainsAny(p.BaseURL, "?#") {
		v.refuse(base, "must not have a query or a fragment", "remove what stands after ? or #")
	}
	v.span("provider.connect_timeout", p.ConnectTimeout)
	v.span("provider.request_timeout", p.RequestTimeout)
	if p.RequestTimeout <= p.ConnectTimeout {
		v.refuse("provider.request_timeout",
			fmt.Sprintf("must be more than provider.connect_timeout (%s), which it includes, is %s", formatDuration(p.ConnectTimeout), formatDuration(p.RequestTimeout)),
			"raise it or lower provider.connect_timeout", "provider.connect_timeout")
	}
	oneOf(v, "provider.ambiguous", p.Ambiguous, Hold, RetryAmbiguous)
	if p.ProxyURL != "" {
		v.refuseFault("provider.proxy_url", checkHTTPURL(p.ProxyURL))
	}
}

func (v *validator) retry(r Retry) {
	v.span("retry.initial_delay", r.InitialDelay)
	v.span("retry.max_delay", r.MaxDelay)
	if r.MaxDelay < r.InitialDelay {
		v.refuse("retry.max_delay",
			fmt.Sprintf("must be at least retry.initial_delay (%s), is %s", formatDuration(r.InitialDelay), formatDuration(r.MaxDelay)),
			"raise it or lower retry.initial_delay", "retry.initial_delay")
	}
	// Written so that it refuses NaN, which no comparison accepts.
	if !(r.Multiplier >= 1) || math.IsInf(r.Multiplier, 0) {
		v.refuse("retry.multiplier", fmt.Sprintf("must be a number of at least 1, is %g", r.Multiplier), "1 keeps the delay as it is, 2 doubles it after every attempt")
	}
	// The call's record keeps every attempt, and one record is one message.
	v.atMost("retry.max_attempts", r.MaxAttempts, 1000, "")
}

// keeping judges how long things are kept against how long they are needed.
func (v *validator) keeping(c Config) {
	v.span("request.max_age", c.Request.MaxAge)
	v.span("records.keep", c.Records.Keep)
	v.span("dead.keep", c.Dead.Keep)
	margin := c.Provider.keepMargin()
	if least := c.Request.MaxAge + margin; c.Records.Keep < least {
		v.refuse("records.keep",
			fmt.Sprintf("must be at least %s, is %s: request.max_age (%s), the longest wait for a claim (%s) and an hour, because a request whose record is gone could be dialled again",
				formatDuration(least), formatDuration(c.Records.Keep), formatDuration(c.Request.MaxAge), formatDuration(c.Provider.ForeignClaimWait())),
			"raise it or lower request.max_age", "request.max_age", "provider.connect_timeout", "provider.request_timeout")
	}
	if c.Dead.Keep < c.Records.Keep {
		v.refuse("dead.keep",
			fmt.Sprintf("must be at least records.keep (%s), is %s", formatDuration(c.Records.Keep), formatDuration(c.Dead.Keep)),
			"raise it or lower records.keep", "records.keep")
	}
}

// service judges the worker itself: its streams, its address, its end, its log.
func (v *validator) service(c Config) {
	oneOf(v, "request.numbers", c.Request.Numbers, Possible, Assigned)
	if !slices.Contains([]int{1, 3, 5}, c.Streams.Replicas) {
		v.refuse("streams.replicas", fmt.Sprintf("must be 1, 3 or 5, is %d", c.Streams.Replicas), "1 for a single server, 3 for a cluster")
	}
	v.refuseFault("http.address", checkAddress(c.HTTP.Address))
	v.span("shutdown_grace", c.ShutdownGrace)
	if busy := c.Provider.ClaimDeadline() + c.Provider.RequestTimeout; c.ShutdownGrace <= busy {
		v.refuse("shutdown_grace",
			fmt.Sprintf("must be more than %s, is %s: twice provider.connect_timeout and provider.request_timeout, which a call that is claimed may still need", formatDuration(busy), formatDuration(c.ShutdownGrace)),
			"raise it or lower the timeouts", "provider.connect_timeout", "provider.request_timeout")
	}
	oneOf(v, "log.level", c.Log.Level, LevelDebug, LevelInfo, LevelWarn, LevelError)
	oneOf(v, "log.format", c.Log.Format, FormatText, FormatJSON)
}

func checkAddress(address string) *fault {
	const fix = "write it like :8080 or 127.0.0.1:8080"
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return &fault{"must be host:port or :port, is " + quote(address), fix}
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return &fault{"has the port " + quote(port) + ", which is no number from 0 to 65535", fix}
	}
	return nil
}
