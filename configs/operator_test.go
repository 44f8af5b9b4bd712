package configs

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Commands that dial nothing need the broker only.
func TestOperatorsNeedNoAccount(t *testing.T) {
	c, err := CheckForOperators("", nil, []string{"NATS_URL=nats://broker:4222"})
	if err != nil || c.NATS.URL != "nats://broker:4222" || c.Records.Keep != 36*time.Hour {
		t.Errorf("%+v, %v", c.NATS, err)
	}
	if _, err := Load("", nil, []string{"NATS_URL=nats://broker:4222"}); err == nil {
		t.Error("a worker needs an account")
	}
	// Values that only workers use may be invalid.
	data := "provider:\n  ambiguous: never\naccounts:\n  acme-west: {}\n"
	if _, err := CheckForOperators("ringonce.yaml", []byte(data), nil); err != nil {
		t.Errorf("values that only workers use: %v", err)
	}
	_ = errorsOf(t, func() error { _, err := Load("ringonce.yaml", []byte(data), nil); return err }())
}

func TestOperatorsGetTheirErrors(t *testing.T) {
	for name, data := range map[string]string{
		"a key that does not exist": "natts:\n  url: nats://broker:4222\n",
		"no URL":                    "nats:\n  url: ftp://broker\n",
		"two ways to authenticate":  "nats:\n  token: a\n  user: b\n  password: c\n",
		"records kept too short":    "records:\n  keep: 1h\n",
		"dead letters likewise":     "dead:\n  keep: 1h\n",
		"replicas":                  "streams:\n  replicas: 2\n",
		"no YAML":                   "nats: [",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := CheckForOperators("ringonce.yaml", []byte(data), nil)
			_ = errorsOf(t, err)
		})
	}
}

func TestFilesThatOperatorsNeed(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "nowhere")
	data := []byte("provider: {ca_file: " + missing + "}\naccounts: {default: {api_key_file: " + missing + "}}\n")
	if _, err := CheckForOperators("", data, nil); err != nil {
		t.Errorf("files that only workers need: %v", err)
	}
	if _, err := Check("", data, nil); len(errorsOf(t, err)) != 2 {
		t.Errorf("a worker needs both: %v", err)
	}
	token := []string{"RINGONCE_NATS_TOKEN_FILE=" + missing}
	_, err := CheckForOperators("", data, token)
	_ = errorsOf(t, err)
	if err := os.WriteFile(missing, []byte("token"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := CheckForOperators("", data, token); err != nil {
		t.Error(err)
	}
}
