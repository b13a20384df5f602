package configs

import "strings"

// maxSlips is how many letters a mistyped name may be away from the one that was meant.
const maxSlips = 2

// nearest is the name that word was probably meant to be, or "".
func nearest(word string, names []string) string {
	best, least := "", maxSlips+1
	for _, name := range names {
		if d := distance(strings.ToLower(word), strings.ToLower(name)); d < least && d < len(word) {
			best, least = name, d
		}
	}
	return best
}

// distance counts the letters to insert, drop or replace to make b of a (Levenshtein). It stops at maxSlips+1.
func distance(a, b string) int {
	if max(len(a)-len(b), len(b)-len(a)) > maxSlips {
		return maxSlips + 1
	}
	row := make([]int, len(b)+1) // row[j]: from what was seen of a to b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], maxSlips+1)
}
