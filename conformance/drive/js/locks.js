// The lock of conformance/drive/locks.py. With `broken` anybody who asks gives it back.
'use strict'

const { drive, Refused } = require('./drive')

const broken = process.argv.includes('broken')

class Locks {
  holder = null
  grants = 0
  waiting = []

  acquire(c) {
    if (this.holder !== null) throw new Refused('held')
    this.grant(c)
  }

  wait(c) {
    if (this.holder === null || this.holder === c || this.waiting.includes(c)) throw new Refused('no need to wait')
    this.waiting.push(c)
  }

  release(c) {
    if (this.holder !== c && !(broken && this.waiting.length > 0)) throw new Refused('not the holder')
    this.holder = null
    if (this.waiting.length > 0) this.grant(this.waiting.shift())
  }

  giveUp(c) {
    if (!this.waiting.includes(c)) throw new Refused('not waiting')
    this.waiting = this.waiting.filter((other) => other !== c)
  }

  grant(c) {
    this.holder = c
    this.grants += 1
  }
}

let locks = new Locks()

drive({
  reset() {
    locks = new Locks()
  },
  actions: {
    acquire: ({ c }) => locks.acquire(c),
    wait: ({ c }) => locks.wait(c),
    release: ({ c }) => locks.release(c),
    give_up: ({ c }) => locks.giveUp(c),
  },
  observe: () => ({ holder: locks.holder, grants: locks.grants, waiting: locks.waiting }),
})
