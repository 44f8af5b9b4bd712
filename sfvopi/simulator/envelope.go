package simulator

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// jsonType is shared by all answers; net/http does not change header values.
var jsonType = []string{"application/json; charset=utf-8"}

// writeData answers {"data": …, "message": "success"}.
func writeData(w http.ResponseWriter, status int, data any) {
	text, err := json.Marshal(struct {
		Data    any    `json:"data"`
		Message string `json:"message"`
	}{data, "success"})
	if err != nil { // only a type of ours that cannot be written as JSON
		writeMessage(w, http.StatusInternalServerError, "Simulator: "+err.Error())
		return
	}
	write(w, status, text)
}

// writeMessage answers {"message": …}.
func writeMessage(w http.ResponseWriter, status int, message string) {
	write(w, status, messageEnvelope(message))
}

func messageEnvelope(message string) []byte {
	text := append(make([]byte, 0, len(message)+16), `{"message":`...)
	// AppendQuote fails only for invalid UTF-8, which it has by then replaced.
	text, _ = jsontext.AppendQuote(text, message)
	return append(text, '}')
}

// writeError answers a refusal with its status and text.
func writeError(w http.ResponseWriter, err error) {
	refused, ok := errors.AsType[*apiError](err)
	if !ok {
		writeMessage(w, http.StatusInternalServerError, "Simulator: "+err.Error())
		return
	}
	writeMessage(w, refused.status, refused.message)
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(status)
	// A client that has gone away cannot be told so.
	_, _ = w.Write(body)
}

// seconds is a Retry-After value: whole seconds, rounded up, at least 1.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}
