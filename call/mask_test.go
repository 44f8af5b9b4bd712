package call_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ringonce/ringonce/call"
)

func TestMaskText(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing to hide", "Service temporarily unavailable", "Service temporarily unavailable"},
		{"status and short numbers stay", "HTTP 502 after 30000 ms, attempt 12", "HTTP 502 after 30000 ms, attempt 12"},
		{
			"the provider's 400", "VoIP number +919876543210 is not linked to any SFVoPI app for this org",
			"VoIP number (number) is not linked to any SFVoPI app for this org",
		},
		{"no plus", "to 9876543210.", "to (number)."},
		{"spaces", "to +91 98765 43210 failed", "to (number) failed"},
		{"dashes", "to 415-555-2671 failed", "to (number) failed"},
		{"brackets", "to +1 (415) 555-2671 failed", "to (number) failed"},
		{"bracketed zero", "to +44 (0) 20 7946 0958 failed", "to (number) failed"},
		{"dots and slashes", "030/1234.567", "(number)"},
		{"dash between spaces", "98765 - 43210", "(number)"},
		{"digit by digit", "9 8 7 6 5 4 3 2 1 0", "(number)"},
		{"no-break spaces", "+91\u00a098765\u00a043210", "(number)"},
		{"en dashes", "98765–43210", "(number)"},
		{"Devanagari digits", "to ९८७६५४३२१० failed", "to (number) failed"},
		{"full-width digits", "９８７６５４３２１０", "(number)"},
		{"hidden by a zero-width space", "98765\u200b43210", "(number)"},
		{"hidden by direction marks", "\u202a+91 98765\u202c 43210", "(number)"},
		{"hidden by control characters", "98765\x00\x0143210", "(number)"},
		{"hidden by invalid UTF-8", "98765\xff43210", "(number)"},
		{"commas", "to 98,1234,5678 failed", "to (number) failed"},
		{"one comma", "98,12345", "(number)"},
		{"stars", "9*8*1*2*3*4*5", "(number)"},
		{"a list", "[9,8,1,2,3,4,5]", "[(number)]"},
		{"a list with blanks and quotes", `["9", "8", "1", "2", "3", "4", "5"]`, `["(number)"]`},
		{"underscores", "98765_43210", "(number)"},
		{"bars, arrows and hashes", "98|76->54#32", "(number)"},
		{"many of them", "98765 ---------- 43210", "(number)"},
		{"percent-encoded blanks", "98765%2043210", "(number)"},
		{"percent-encoded dashes", "98765%2D43210 98765%2d43210", "(number)"},
		{"JSON's line breaks in text", `98765\n43210 98765\r\n43210 98765\t43210`, "(number)"},
		{"line breaks", "98765\r\n\r\n\r\n43210", "(number)"},
		{"keycaps", "9\ufe0f\u20e38\ufe0f\u20e37\ufe0f\u20e36\ufe0f\u20e35\ufe0f\u20e34\ufe0f\u20e33\ufe0f\u20e3", "(number)\ufe0f\u20e3"},
		{"Chinese digits", "九八七六五四三二一〇", "(number)"},
		{"circled digits", "①②③④⑤⑥⑦", "(number)"},
		{"Arabic digits", "٩٨٧٦٥٤٣٢١٠", "(number)"},
		{"like an address", "98.76.54.32.10", "(number)"},
		{"like an address with a port", "call 98.76.54.32:1010", "call (number)"},
		{"the DNS server", "dial tcp: lookup x.example on 10.0.0.2:53: no such host", "dial tcp: lookup x.example on 10.0.0.2:53: no such host"},
		{"addresses of a connection", "read udp 10.10.10.10:53124->10.100.100.200:53: i/o timeout", "read udp 10.10.10.10:53124->10.100.100.200:53: i/o timeout"},
		{"IPv6 addresses", "dial tcp [2001:4860:4860::8888]:443: connect: network is unreachable", "dial tcp [2001:4860:4860::8888]:443: connect: network is unreachable"},
		{"an address of Node's", "connect ECONNREFUSED 10.0.0.7:443", "connect ECONNREFUSED 10.0.0.7:443"},
		{"a number behind an address", "dial tcp 10.0.0.2:53 98765 43210", "dial tcp 10.0.0.2:53 (number)"},
		{"a number that goes on behind one", "dial tcp 10.0.0.2:53.98765", "dial tcp (number)"},
		{"no address", "dial tcp 300.100.100.100:53", "dial tcp (number)"},
		{"addresses of a certificate", "x509: certificate is valid for 10.100.100.1, 10.100.100.2, ::1, not 10.100.100.3", "x509: certificate is valid for 10.100.100.1, 10.100.100.2, ::1, not 10.100.100.3"},
		{"no address of one", "x509: cannot validate certificate for 192.168.100.200 because it", "x509: cannot validate certificate for 192.168.100.200 because it"},
		{"a time", "expired: current time 2026-11-28T20:36:05Z is after 2026-11-27T00:00:00Z", "expired: current time 2026-11-28T20:36:05Z is after 2026-11-27T00:00:00Z"},
		{"no time", "9876-54-32T10:98:76Z", "(number)T10:98:76Z"},
		{"a number in a list of addresses", "certificate is valid for 10.100.100.1, 987.654.321.012, not x", "certificate is valid for (number), not x"},
		{"a number behind a list of addresses", "certificate is valid for 10.100.100.1, 98765 43210", "certificate is valid for 10.100.100.1, (number)"},
		{"tags", "98765<b class=x>432</b>10", "(number)"},
		{"entities", "98765&nbsp;432&ndash;10", "(number)"},
		{"entities of digits", "&#57;&#56;&#55;&#54;", "&#(number);"},
		{"escapes", `98765\u002d43210`, "(number)"},
		{"URL without a scheme", "no answer from hooks.example.com/h/s3cr3t", "no answer from (url)"},
		{"with a port", "hooks:8080/s3cr3t localhost:80/s3cr3t 10.1.2.3:80/s3cr3t", "(url) (url) (url)"},
		{"with a query alone", "hooks.example.com?t=s3cr3t", "(url)"},
		{"with a fragment", "hooks.example.com#s3cr3t", "(url)"},
		{"beginning with slashes", "//hooks.example.com/s3cr3t", "//(url)"},
		{"with escaped slashes", `hooks.example.com\/s3cr3t`, "(url)"},
		{"percent-encoded without a scheme", "hooks.example.com%2Fs3cr3t", "(url)"},
		{"international", "bücher.example/s3cr3t", "(url)"},
		{"user and password", "u:s3cr3t@hooks.example.com", "(url)"},
		{"a path stays", "Cannot POST /sfvopi/calls", "Cannot POST /sfvopi/calls"},
		{"versions stay", "nginx/1.18.0 (Ubuntu)", "nginx/1.18.0 (Ubuntu)"},
		{"inside a word", "x9876543210y", "x(number)y"},
		{"six digits stay", "123456", "123456"},
		{"URL", `Post "https://hooks.example.com/a?token=s3cr3t": EOF`, `Post (url) EOF`},
		{"URL in capitals", "HTTPS://EXAMPLE.COM/S3CR3T failed", "(url) failed"},
		{"URL behind a word character", "answer_url_https://example.com/s3cr3t 1http://b/s3cr3t", "answer_url_(url) 1(url)"},
		{"websocket URL", "wss://example.com/s3cr3t", "(url)"},
		{"URL with escaped slashes", `"https:\/\/example.com\/s3cr3t"`, `"(url)`},
		{"percent-encoded URL", "next=https%3A%2F%2Fexample.com%2Fs3cr3t", "next=(url)"},
		{"path with a query", "Cannot POST /hook?token=s3cr3t", "Cannot POST (url)"},
		{"a question stays", "what now? a = b", "what now? a = b"},
		{"control characters", "one\r\ntwo\tthree\x1b[31m\u0085four", "one  two three [31m four"},
		{"line separators", "one\u2028two\u2029three", "one two three"},
		{"invalid UTF-8", "a\xffb\xc3", "ab"},
		{"blanks around", "  a  ", "a"},
		{"empty", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := call.MaskText(test.text)
			if got != test.want {
				t.Errorf("MaskText(%q) = %q, want %q", test.text, got, test.want)
			}
			checkMasked(t, test.text)
		})
	}
}

func TestSecretsAreRedacted(t *testing.T) {
	secrets := []string{"kEy-0123456789", "tok3", "/+=secret", "日本語日本語", "no", ""}
	for text, want := range map[string]string{
		"Invalid key kEy-0123456789.":    "Invalid key (secret).",
		"invalid key KEY-0123456789":     "invalid key (secret)",
		"xkEy-0123456789x":               "x(secret)x",
		"kEy-0123\u200b456789":           "(secret)",
		"token tok3, not atok3 or tok33": "token (secret), not atok3 or tok33",
		"is /+=secret":                   "is (secret)",
		"is 日本語日本語":                      "is (secret)",
		"no one knows":                   "no one knows",
		strings.Repeat("https://a/b ", 330) + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaakEy-0123456789": "(url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url) (url)",
	} {
		if got := call.MaskText(text, secrets...); got[:min(len(got), 250)] != want[:min(len(want), 250)] {
			t.Errorf("MaskText(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestMaskTextBoundsLongTexts(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("a", 100_000),
		strings.Repeat("é", 1_000),
		strings.Repeat("€", 1_000),
		strings.Repeat("a ", 1_000),
		strings.Repeat("x", 250) + "+919876543210",
		strings.Repeat("x", 1018) + "+919876543210",
		strings.Repeat("https://a/s3cr3t ", 1_000),
		strings.Repeat("9", 100_000),
		strings.Repeat("x", 240) + " dial tcp 10.100.100.200:443",
		strings.Repeat("x", 225) + " dial tcp 10.100.100.200:443",
	} {
		checkMasked(t, text)
	}
}

func checkMasked(t *testing.T, text string) {
	t.Helper()
	got := call.MaskText(text)
	if len(got) > 256 || !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		t.Errorf("MaskText(%.300q) = %q: %d bytes, or not plain", text, got, len(got))
	}
	if runOfSeven.MatchString(got) {
		t.Errorf("MaskText(%.300q) = %q shows a number", text, got)
	}
	if again := call.MaskText(got); again != got {
		t.Errorf("MaskText(%.300q) = %q, and masked again %q", text, got, again)
	}
}

func FuzzMaskText(f *testing.F) {
	f.Add("VoIP number +91 98765-43210 is not linked")
	f.Add(`Post "https://hooks.example.com/a?token=s3cr3t": EOF`)
	f.Add("12345(url)6789 https:\\/\\/a 98765\xff\u200b43210\x00")
	f.Add(strings.Repeat("a ", 128) + "?b=c 1234567://x")
	f.Fuzz(checkMasked)
}
