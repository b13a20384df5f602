package fsm

// decideAppend: what is there keeps its deadline. The text that results is stored as Set would store it.
func decideAppend(op *Op, old, next *item) (Result, effect) {
	size := old.value.textLen() + op.Value.textLen()
	if size > MaxText {
		return Result{Code: TooLong}, keeps
	}
	text := op.Value.AppendText(old.value.AppendText(make([]byte, 0, size)))
	next.value, next.deadline = ParseValue(text), old.deadline
	return Result{Value: IntValue(int64(size))}, stores
}

func decideSetRange(op *Op, old, next *item) (Result, effect) {
	size, patch := int64(old.value.textLen()), int64(op.Value.textLen())
	if patch == 0 {
		return Result{Value: IntValue(size)}, keeps
	}
	if op.Amount < 0 || op.Amount > MaxText-patch {
		return Result{Code: TooLong}, keeps
	}
	text := make([]byte, max(size, op.Amount+patch))
	old.value.AppendText(text[:0])
	op.Value.AppendText(text[op.Amount:op.Amount])
	next.value, next.deadline = ParseValue(text), old.deadline
	return Result{Value: IntValue(int64(len(text)))}, stores
}
