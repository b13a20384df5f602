package resp

import "bytes"

// slotCount is Redis Cluster's.
const slotCount = 16384

// slotRange is slots in a row that clients bring to one member.
type slotRange struct {
	first, last int
	owner       peer
}

// slots spreads all slots over the live voters, in order. The same peers give the same ranges on every node. Each voter has a
// part, and a dead one's part is divided among the living, so that nothing else moves when one dies or comes back.
func (v *view) slots() []slotRange {
	var voters, living []peer
	for _, p := range v.peers {
		if !p.voter {
			continue
		}
		voters = append(voters, p)
		if p.alive {
			living = append(living, p)
		}
	}
	if len(living) == 0 {
		return []slotRange{{0, slotCount - 1, v.own}}
	}
	var ranges []slotRange
	for i, p := range voters {
		first, end := slotPart(0, slotCount, i, len(voters))
		if p.alive {
			ranges = appendRange(ranges, slotRange{first, end - 1, p})
			continue
		}
		for k, heir := range living {
			from, to := slotPart(first, end, k, len(living))
			ranges = appendRange(ranges, slotRange{from, to - 1, heir})
		}
	}
	return ranges
}

// slotPart is the i-th of n parts of the slots from first to before end.
func slotPart(first, end, i, n int) (from, to int) {
	return first + (end-first)*i/n, first + (end-first)*(i+1)/n
}

// appendRange joins what is one range.
func appendRange(ranges []slotRange, r slotRange) []slotRange {
	if r.last < r.first {
		return ranges
	}
	if n := len(ranges); n > 0 && ranges[n-1].owner.id == r.owner.id {
		ranges[n-1].last = r.last
		return ranges
	}
	return append(ranges, r)
}

// keySlot is the slot of a key: of what stands between its first { and the next }, if that is not empty.
// (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/)
func keySlot(key []byte) int {
	if _, rest, found := bytes.Cut(key, []byte("{")); found {
		if tag, _, closed := bytes.Cut(rest, []byte("}")); closed && len(tag) > 0 {
			key = tag
		}
	}
	return int(crc16(key)) % slotCount
}

// crc16 is CRC-16/XMODEM: polynomial 0x1021, from zero, most significant bit first.
func crc16(data []byte) uint16 {
	var crc uint16
	for _, c := range data {
		crc ^= uint16(c) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			crc <<= 1
			if carry {
				crc ^= 0x1021
			}
		}
	}
	return crc
}
