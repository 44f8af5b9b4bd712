package control

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// TestAWorkerThatStartsWithARefusedKey dials as soon as the key file holds
// another one.
func TestAWorkerThatStartsWithARefusedKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	write := func(key string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a-key-of-yesterday")
	inBubble(t, func(c *configs.Config) {
		account := c.Accounts["default"]
		account.APIKey, account.APIKeyFile = configs.Secret{}, file
		c.Accounts["default"] = account
	}, func(t *testing.T, env *environment) {
		env.StartWorker("one")
		env.publish("default", "call", simulator.DefaultNumber, 1)
		<-time.After(time.Hour)
		asked := func() int { return env.Simulator.Oracle().Summary.Lookups }
		for before := asked(); asked() == before; { // then it is half a minute to the next
			<-time.After(time.Second)
		}
		write(simulator.DefaultAPIKey)
		<-time.After(25 * time.Second) // the key is looked at, the directory fetched, the call placed
		if states := env.states("default", "call", 1); states[call.StatePlaced] != 1 {
			t.Errorf("soon after it is %v", states)
		}
	})
}
