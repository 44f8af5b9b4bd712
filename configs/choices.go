package configs

import "log/slog"

// Ambiguous says what becomes of a call whose answer says neither that it went
// out nor that it did not.
type Ambiguous string

const (
	// Hold keeps such a call as unknown until evidence or an operator decides.
	Hold Ambiguous = "hold"
	// RetryAmbiguous dials such a call again. It gives away the promise that no phone
	// rings twice.
	RetryAmbiguous Ambiguous = "retry"
)

// NumberRule says how strictly phone numbers are checked.
type NumberRule string

const (
	// Possible accepts numbers of a possible length for their country.
	Possible NumberRule = "possible"
	// Assigned also demands a range that is known to be assigned.
	Assigned NumberRule = "assigned"
)

// Method is the HTTP method by which the provider calls a webhook.
type Method string

// The methods which the provider's documentation allows.
const (
	MethodGet  Method = "GET"
	MethodPost Method = "POST"
)

// LogLevel is the least level that is logged.
type LogLevel string

// The levels, from the most talkative to the least.
const (
	LevelDebug LogLevel = "debug"
	LevelInfo  LogLevel = "info"
	LevelWarn  LogLevel = "warn"
	LevelError LogLevel = "error"
)

// Slog is the level in the terms of log/slog; info for a level that Validate
// would refuse.
func (l LogLevel) Slog() slog.Level {
	switch l {
	case LevelDebug:
		return slog.LevelDebug
	case LevelWarn:
		return slog.LevelWarn
	case LevelError:
		return slog.LevelError
	case LevelInfo:
		return slog.LevelInfo
	}
	return slog.LevelInfo
}

// LogFormat is the form of the log's lines.
type LogFormat string

// The forms: for people, and for machines.
const (
	FormatText LogFormat = "text"
	FormatJSON LogFormat = "json"
)
