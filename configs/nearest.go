package configs

import "strings"

// nearest is the one of the known names that a mistyped name most likely means,
// or "" if none is close: at most one edit, and one more for every four letters.
// Capitals and dashes count as what they stand for.
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

// editDistance counts the letters to insert, drop or replace (Levenshtein).
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

// didYouMean is the fix for an unknown name.
func didYouMean(name string, known []string, otherwise string) string {
	if candidate := nearest(name, known); candidate != "" {
		return "did you mean " + candidate + "?"
	}
	return otherwise
}
