//go:build failpoint

package failpoint

import (
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// variable is taken out of the environment as soon as it was read: the
// configuration refuses variables of ours that it does not know.
const variable = "RINGONCE_FAILPOINT"

// armed does not change after the start but for its counts.
var armed = arm()

type trap struct {
	order
	come atomic.Int64
}

func arm() map[Point]*trap {
	text, ok := os.LookupEnv(variable)
	if !ok {
		return nil
	}
	_ = os.Unsetenv(variable) // fails for an empty name alone
	orders, err := parse(text)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", variable, err)
		os.Exit(2)
	}
	traps := make(map[Point]*trap, len(orders))
	for _, o := range orders {
		traps[o.point] = &trap{order: o}
	}
	return traps
}

// Eval ends or stops this process if the environment armed this point. It
// returns from a stop when the process is continued.
func Eval(p Point) {
	t := armed[p]
	if t == nil || t.come.Add(1) != t.nth {
		return
	}
	fmt.Fprintf(os.Stderr, "failpoint: %s %s\n", p, t.action)
	if t.action == stop {
		// A signal to the process may be taken by another thread: this one
		// must not go on before it is continued.
		continued := make(chan os.Signal, 1)
		signal.Notify(continued, syscall.SIGCONT)
		send(syscall.SIGSTOP)
		<-continued
		signal.Stop(continued)
		return
	}
	send(syscall.SIGKILL)
	select {} // until it arrives
}

func send(s syscall.Signal) {
	if err := syscall.Kill(os.Getpid(), s); err != nil {
		panic("failpoint: cannot signal this process: " + err.Error())
	}
}
