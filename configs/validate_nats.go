package configs

import (
	"fmt"
	"strings"
)

func (v *validator) nats(n NATS) {
	servers := n.Servers()
	for i, server := range servers {
		entry := ""
		if len(servers) > 1 {
			entry = fmt.Sprintf("entry %d ", i+1)
		}
		if f := checkServerURL(server); f != nil {
			v.note("nats.url", entry+f.rule, f.fix)
		}
	}
	v.authentication(n)
	switch {
	case n.TLS.CertFile != "" && n.TLS.KeyFile == "":
		v.refuse("nats.tls.key_file", "is missing, but nats.tls.cert_file is set", "give both or neither")
	case n.TLS.KeyFile != "" && n.TLS.CertFile == "":
		v.refuse("nats.tls.cert_file", "is missing, but nats.tls.key_file is set", "give both or neither")
	}
}

// authentication demands at most one way to prove to NATS who we are.
func (v *validator) authentication(n NATS) {
	passwords := !n.Password.IsZero() || n.PasswordFile != ""
	if !n.Password.IsZero() && n.PasswordFile != "" {
		v.refuse("nats.password_file", "is set, and so is nats.password", "remove one of the two")
	}
	if !n.Token.IsZero() && n.TokenFile != "" {
		v.refuse("nats.token_file", "is set, and so is nats.token", "remove one of the two")
	}
	switch {
	case n.User != "" && !passwords:
		v.refuse("nats.user", "has no password", "give nats.password or nats.password_file", "nats.password", "nats.password_file")
	case n.User == "" && passwords:
		v.refuse("nats.user", "is missing, but there is a password", "give nats.user, or nats.token if it is a token")
	}

	tokenKey := "nats.token"
	if n.TokenFile != "" {
		tokenKey = "nats.token_file"
	}
	var chosen []string
	for _, way := range []struct {
		key   string
		given bool
	}{
		{"nats.credentials_file", n.CredentialsFile != ""},
		{"nats.user", n.User != "" || passwords},
		{tokenKey, !n.Token.IsZero() || n.TokenFile != ""},
		{"nats.nkey_file", n.NKeyFile != ""},
	} {
		if way.given {
			chosen = append(chosen, way.key)
		}
	}
	if len(chosen) < 2 {
		return
	}
	var ways []string
	for _, key := range chosen {
		text := key
		if at := v.origins[key]; at != (Origin{}) {
			text += " (" + at.String() + ")"
		}
		ways = append(ways, text)
	}
	v.refuse("nats", "has more than one way to authenticate: "+strings.Join(ways, ", "),
		"keep one; an empty variable, such as "+variable(chosen[0])+"=, clears a value of the file")
}
