// Command mutants applies deliberate faults to our own code, one at a time, and
// runs the tests that ought to notice, until one does. A mutant that survives is
// a missing test.
// The files on disk stay as they are: the fault is an overlay for the compiler.
//
//	go run ./tests/mutants                # all of them
//	go run ./tests/mutants -sample 6      # every so-manieth, for a quick look
//	go run ./tests/mutants -only ack-first
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	only := flag.String("only", "", "the names of some mutants, with commas between them")
	sample := flag.Int("sample", 0, "about how many to try; 0 is all")
	seeds := flag.Int("seeds", 16, "simulation seeds for each mutant")
	flag.Parse()
	chosen := choose(*only, *sample)
	if len(chosen) == 0 {
		return fmt.Errorf("there is no mutant named %q", *only)
	}
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var survivors []string
	fmt.Println("| fault | caught by |")
	fmt.Println("|---|---|")
	began, by := time.Now(), map[string][]string{}
	for _, m := range chosen {
		caught, err := m.try(ctx, dir, *seeds, by)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", m.name, err)
		}
		if len(caught) == 0 {
			survivors = append(survivors, m.name)
			caught = []string{"**nothing: it survives**"}
		}
		fmt.Printf("| %s: %s | %s |\n", m.name, m.fault, strings.Join(caught, ", "))
	}
	if len(survivors) > 0 {
		return fmt.Errorf("%d of %d survive: %s", len(survivors), len(chosen), strings.Join(survivors, ", "))
	}
	if err := baseline(ctx, by); err != nil {
		return err
	}
	fmt.Printf("\nall %d are caught, in %s\n", len(chosen), time.Since(began).Round(time.Second))
	return nil
}

func choose(only string, sample int) []mutant {
	all := mutants()
	if only != "" {
		names := strings.Split(only, ",")
		return slices.DeleteFunc(all, func(m mutant) bool { return !slices.Contains(names, m.name) })
	}
	if sample <= 0 || sample >= len(all) {
		return all
	}
	var some []mutant
	for i := range sample {
		some = append(some, all[i*len(all)/sample])
	}
	return some
}
