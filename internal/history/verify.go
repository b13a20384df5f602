package history

import "time"

// Verify lets every checker look at a run. The limit is for the searches together; 0 is DefaultLimit. A history that makes no
// sense is one verdict, of the checker "history".
func Verify(run *Run, limit time.Duration) []Verdict {
	v, err := newView(run.Ops, run.Header)
	if err != nil {
		return []Verdict{{Checker: "history", Checked: len(run.Ops), Error: err.Error()}}
	}
	var distinct, forward, exact, search report
	v.checkCounters(&distinct, &forward, &exact)
	v.checkParts(&search, limit, true)
	return []Verdict{
		search.verdict("linearizable"), exact.verdict("exact"), distinct.verdict("distinct"), forward.verdict("forward"),
		v.checkStale(), checkOnce(run), v.checkSum(run), v.checkSlices(run), v.checkExpiry(run), v.checkLease(run),
		checkDigest(run), checkTerm(run), checkFinal(run), checkWrong(run), v.checkRefused(run), checkAvailable(run), v.checkValid(run),
	}
}
