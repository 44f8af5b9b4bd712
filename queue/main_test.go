package queue

import (
	"testing"

	"github.com/ringonce/ringonce/tests/brokertest"
)

func TestMain(m *testing.M) { brokertest.Main(m) }
