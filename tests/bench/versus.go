package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// asked is how much CPU time per call hand-written code has to save to stay.
const asked = 0.05

// resamples is how many times the pairs are drawn for an interval.
const resamples = 10_000

// versus lets two builds of ringonce place the same requests in turns, and prints
// what this one needs beside the other: a pair for each round, which of the two
// goes first alternating, so that what else the machine does meets both.
func (b *bench) versus(ctx context.Context, provider string, latency time.Duration) error {
	other := *b
	other.binary = b.other
	var cpu, rates [2][]float64
	for round := range b.rounds {
		for turn := range 2 {
			which := (round + turn) % 2
			builds := [2]*bench{&other, b}
			rate, spent, err := builds[which].once(ctx, latency, builds[which].startRingonce)
			if err != nil {
				return err
			}
			cpu[which] = append(cpu[which], microseconds(spent.worker, b.requests))
			rates[which] = append(rates[which], rate)
		}
	}
	ratio, low, high := paired(cpu[1], cpu[0])
	rate, rateLow, rateHigh := paired(rates[1], rates[0])
	fmt.Printf("| %s | %d | %.1f | %.1f | **%.3f** (%.3f to %.3f): %s | %.0f | %.0f | **%.3f** (%.3f to %.3f) |\n", provider, b.rounds,
		median(cpu[0]), median(cpu[1]), ratio, low, high, conclusion(low, high),
		median(rates[0]), median(rates[1]), rate, rateLow, rateHigh)
	return nil
}

// conclusion says what an interval of the CPU time shows about the 5 % that are asked.
func conclusion(low, high float64) string {
	switch {
	case low >= 1+asked:
		return "dearer by what is asked"
	case high <= 1+asked:
		return "not dearer by what is asked"
	}
	return "hidden by noise"
}

// paired is the geometric mean of the ratios of a to b, pair by pair, and its
// 95 % interval: that of the mean over pairs that are drawn again and again.
func paired(a, b []float64) (mean, low, high float64) {
	logs := make([]float64, len(a))
	for i := range a {
		logs[i] = math.Log(a[i] / b[i])
	}
	random := rand.New(rand.NewPCG(1, 1))
	means := make([]float64, resamples)
	for i := range means {
		for range logs {
			means[i] += logs[random.IntN(len(logs))] / float64(len(logs))
		}
	}
	slices.Sort(means)
	for _, l := range logs {
		mean += l / float64(len(logs))
	}
	return math.Exp(mean), math.Exp(means[resamples*25/1000]), math.Exp(means[resamples*975/1000])
}
