package meter

// The forms that loops take. In each of them a branch to the loop leads to the construct that is innermost when the method
// that opens the loop returns. What they share: refuel is called outside the innermost loop, which keeps wazero's register
// allocation for the loop free of the call; the branch that leads there is the only way to where it leads, so that wazero
// makes it a comparison and a jump of it and puts what is rare behind the loop; and refuel is told the balance as it would be
// with the round paid, so that what a round costs doesn't depend on how often the balance runs out.

// openAtEnd opens a loop without calls, its inner loops included. It pays before each round but the first, which is part of
// what is around the loop: many loops of C end in their first round.
//
//	block $exit
//	loop $outer
//	block $dry
//	loop $inner
//	block $again
//	body, whose branches to the loop go to $again
//	br $exit
//	end
//	fuel < cost ? br $dry
//	fuel -= cost
//	br $inner
//	end
//	end
//	fuel = refuel(fuel - cost)
//	br $outer
//	end
//	end
func (e *emitter) openAtEnd(head []byte) {
	e.op(opBlock)
	e.raw(head[1:])
	e.raw(head)
	e.op(opBlock, 0x40, opLoop, 0x40, opBlock, 0x40)
	e.open += 5
}

func (e *emitter) closeAtEnd(cost int64) {
	e.op(opBr, 4) // $exit
	e.end(1)
	e.get()
	e.below(cost)
	e.op(opBrIf, 1) // $dry
	e.get()
	e.subtract(cost)
	e.set()
	e.op(opBr, 0) // $inner
	e.end(2)
	e.get()
	e.subtract(cost)
	e.refuel()
	e.set()
	e.op(opBr, 0) // $outer
	e.end(2)
}

// openAtHead opens a loop with calls. It pays before each round: calls in it are no edges of the call graph.
//
//	block $exit
//	loop $outer
//	fuel < cost ? fuel = refuel(fuel - cost) + cost
//	block $dry
//	loop $inner
//	fuel < cost ? br $dry
//	fuel -= cost
//	body, whose branches to the loop go to $inner
//	end
//	br $exit
//	end
//	br $outer
//	end
//	end
//
// The call of refuel on the way into the loop is not there for the balance alone, which the inner comparison would see to. Of
// the two ways to $inner wazero takes the registers at its beginning from the one with the call, that is hardly any; every
// branch back to the loop would otherwise load again the values that happened to be in registers on entry, which after calls
// none is: that made each instruction of an interpreter slower.
func (e *emitter) openAtHead(head []byte, cost int64) {
	e.op(opBlock)
	e.raw(head[1:])
	e.raw(head)
	e.buyRound(cost)
	e.op(opBlock, 0x40)
	e.raw(head)
	e.open += 4
	e.get()
	e.below(cost)
	e.op(opBrIf, 1) // $dry
	e.get()
	e.subtract(cost)
	e.set()
}

func (e *emitter) closeAtHead() {
	e.end(1)
	e.op(opBr, 2) // $exit
	e.end(1)
	e.op(opBr, 0) // $outer
	e.end(2)
}

// openTwice opens a loop that takes values along, which compilers hardly ever write. Two ends close it.
//
//	loop $outer
//	fuel < cost ? fuel = refuel(fuel - cost) + cost
//	loop $inner
//	fuel < cost ? br $outer
//	fuel -= cost
//	body, whose branches to the loop go to $inner
//	end
//	end
func (e *emitter) openTwice(head []byte, cost int64) {
	e.raw(head)
	e.buyRound(cost)
	e.raw(head)
	e.open += 2
	e.get()
	e.below(cost)
	e.op(opBrIf, 1) // $outer
	e.get()
	e.subtract(cost)
	e.set()
}

// buyRound calls refuel if the balance doesn't cover a round's cost.
func (e *emitter) buyRound(cost int64) {
	e.get()
	e.below(cost)
	e.op(opIf, 0x40)
	e.get()
	e.subtract(cost)
	e.refuel()
	e.i64(cost)
	e.op(opI64Add)
	e.set()
	e.op(opEnd)
}
