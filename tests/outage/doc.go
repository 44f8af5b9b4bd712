// Package outage tests hours without the provider, and a provider that asks for a
// delay, on fake time: what it costs, and what comes after.
package outage
