// Package control tests what stops accounts and numbers, and how accounts come
// and go, in whole workers on fake time.
package control
