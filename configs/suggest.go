package configs

import "strings"

// suggest returns the fix for an unknown name: the known name that it resembles,
// or the fallback.
func suggest(name string, known []string, fallback string) string {
	if candidate := nearest(name, known); candidate != "" {
		return "did you mean " + candidate + "?"
	}
	return fallback
}

// nearest returns the known name that a mistyped one most likely means, "" if
// none is close: at most one edit, and one more for every four letters. Case,
// and '-' for '_', do not count.
func nearest(name string, known []string) string {
	name = strings.ReplaceAll(strings.ToLower(name), "-", "_")
	best, bestDistance := "", 2+len(name)/4
	for _, candidate := range known {
		if max(len(name)-len(candidate), len(candidate)-len(name)) >= bestDistance {
			continue
		}
		if d := editDistance(name, strings.ToLower(candidate)); d < bestDistance && d < len(candidate) {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// editDistance is the Levenshtein distance in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
