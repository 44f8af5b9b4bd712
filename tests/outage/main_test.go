package outage

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server/ats"
)

// As long and as large as every change can wait for; `make outage` goes on for
// longer, with more requests.
var (
	outageLong = flag.Duration("outage", 2*time.Hour, "how long the provider is down in the long test")
	// Where nothing answers three workers hold 198 of them as unknown, a tenth
	// expires, and 110 are placed before the limit is looked at.
	outageWaiting = flag.Int("waiting", 450, "requests that wait while the provider is down")
	outageWorkers = flag.Int("workers", 0, "workers that wait with them; 0 is one, and then three")
	logs          = flag.Bool("log", false, "show what the workers log")
)

func TestMain(m *testing.M) {
	ats.Register()
	os.Exit(m.Run())
}
