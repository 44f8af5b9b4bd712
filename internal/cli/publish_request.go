package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// requestFields is a request before validation.
type requestFields struct {
	ID            string            `json:"id,omitzero"`
	From          string            `json:"from,omitzero"`
	To            string            `json:"to,omitzero"`
	AppID         string            `json:"app_id,omitzero"`
	AnswerURL     string            `json:"answer_url,omitzero"`
	AnswerMethod  string            `json:"answer_method,omitzero"`
	RingURL       string            `json:"ring_url,omitzero"`
	RingMethod    string            `json:"ring_method,omitzero"`
	HangupURL     string            `json:"hangup_url,omitzero"`
	HangupMethod  string            `json:"hangup_method,omitzero"`
	RingTimeout   *int              `json:"ring_timeout,omitzero"`
	CallTimeLimit *int              `json:"call_time_limit,omitzero"`
	NotBefore     string            `json:"not_before,omitzero"`
	ExpiresAt     string            `json:"expires_at,omitzero"`
	Metadata      map[string]string `json:"metadata,omitzero"`
}

// texts returns the text fields by name.
func (f *requestFields) texts() map[string]*string {
	return map[string]*string{
		"id": &f.ID, "from": &f.From, "to": &f.To, "app_id": &f.AppID,
		"answer_url": &f.AnswerURL, "answer_method": &f.AnswerMethod,
		"ring_url": &f.RingURL, "ring_method": &f.RingMethod,
		"hangup_url": &f.HangupURL, "hangup_method": &f.HangupMethod,
		"not_before": &f.NotBefore, "expires_at": &f.ExpiresAt,
	}
}

// numbers returns the fields in whole seconds by name.
func (f *requestFields) numbers() map[string]**int {
	return map[string]**int{"ring_timeout": &f.RingTimeout, "call_time_limit": &f.CallTimeLimit}
}

const metadataPrefix = "metadata."

// set sets a field from a text, such as a CSV cell. An empty text omits the field.
func (f *requestFields) set(name, value string) error {
	if value == "" {
		return nil
	}
	if text, ok := f.texts()[name]; ok {
		*text = value
		return nil
	}
	if number, ok := f.numbers()[name]; ok {
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%s is not a whole number of seconds; write digits only", name)
		}
		*number = &n
		return nil
	}
	if f.Metadata == nil {
		f.Metadata = map[string]string{}
	}
	f.Metadata[strings.TrimPrefix(name, metadataPrefix)] = value
	return nil
}

// known reports whether a request has this field.
func (f *requestFields) known(name string) bool {
	_, text := f.texts()[name]
	_, number := f.numbers()[name]
	key, metadata := strings.CutPrefix(name, metadataPrefix)
	return text || number || (metadata && key != "")
}

func (f *requestFields) encode() ([]byte, error) {
	if name, ok := f.notUTF8(); ok {
		return nil, fmt.Errorf("%s is not UTF-8; convert it, such as from Windows-1252", name)
	}
	body, err := json.Marshal(f, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("write the request as JSON: %w", err)
	}
	return body, nil
}

// notUTF8 returns the first field that is not UTF-8.
func (f *requestFields) notUTF8() (name string, ok bool) {
	texts := f.texts()
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if !utf8.ValidString(*texts[name]) {
			return name, true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(f.Metadata)) {
		if !utf8.ValidString(key) || !utf8.ValidString(f.Metadata[key]) {
			return metadataPrefix + strings.ToValidUTF8(key, "?"), true
		}
	}
	return "", false
}

// callFlags are the flags of one call.
type callFlags struct {
	values        requestFields
	ringTimeout   int
	callTimeLimit int
	metadata      []string
	names         []string
}

func (f *callFlags) register(c *cobra.Command) {
	before := map[string]bool{}
	c.Flags().VisitAll(func(flag *pflag.Flag) { before[flag.Name] = true })
	v := &f.values
	c.Flags().StringVar(&v.ID, "id", "", "`ID` of the call; the same id is dialled once")
	c.Flags().StringVar(&v.From, "from", "", "caller ID, E.164 (`+912071531001`), linked to an ACTIVE app")
	c.Flags().StringVar(&v.To, "to", "", "callee, E.164")
	c.Flags().StringVar(&v.AppID, "app-id", "", "app that the caller ID must be linked to")
	c.Flags().StringVar(&v.AnswerURL, "answer-url", "", "`URL` called when the callee answers")
	c.Flags().StringVar(&v.AnswerMethod, "answer-method", "", "POST or GET")
	c.Flags().StringVar(&v.RingURL, "ring-url", "", "`URL` called when the phone rings")
	c.Flags().StringVar(&v.RingMethod, "ring-method", "", "POST or GET")
	c.Flags().StringVar(&v.HangupURL, "hangup-url", "", "`URL` called when the call has ended")
	c.Flags().StringVar(&v.HangupMethod, "hangup-method", "", "POST or GET")
	c.Flags().IntVar(&f.ringTimeout, "ring-timeout", 0, "`SECONDS` that the phone may ring, 1 to 600")
	c.Flags().IntVar(&f.callTimeLimit, "call-time-limit", 0, "`SECONDS` that the call may last, 1 to 86400")
	c.Flags().StringVar(&v.NotBefore, "not-before", "", "`TIME` before which it is not dialled (RFC 3339)")
	c.Flags().StringVar(&v.ExpiresAt, "expires-at", "", "`TIME` after which it is not dialled (RFC 3339)")
	c.Flags().StringArrayVar(&f.metadata, "metadata", nil, "`KEY=VALUE` passed through; repeatable")
	c.Flags().VisitAll(func(flag *pflag.Flag) {
		if !before[flag.Name] {
			f.names = append(f.names, flag.Name)
		}
	})
}

// firstChanged returns one of these flags that is set, or "".
func (f *callFlags) firstChanged(c *cobra.Command) string {
	for _, name := range f.names {
		if c.Flags().Changed(name) {
			return name
		}
	}
	return ""
}

// fields returns the values of the flags; numbers that are not set are omitted.
func (f *callFlags) fields(c *cobra.Command) (requestFields, error) {
	v := f.values
	if c.Flags().Changed("ring-timeout") {
		v.RingTimeout = &f.ringTimeout
	}
	if c.Flags().Changed("call-time-limit") {
		v.CallTimeLimit = &f.callTimeLimit
	}
	for _, entry := range f.metadata {
		key, value, ok := strings.Cut(entry, "=")
		if !ok || key == "" {
			return v, errors.New("--metadata is not KEY=VALUE; write it like --metadata patient=4711, once for each key")
		}
		if _, twice := v.Metadata[key]; twice {
			return v, fmt.Errorf("--metadata names %q twice; give each key once", key)
		}
		if v.Metadata == nil {
			v.Metadata = map[string]string{}
		}
		v.Metadata[key] = value
	}
	return v, nil
}
