import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { EQUIVALENT } from './mutants/equivalent.ts'
import { huntOneMutant, mutantsOfTarget } from './mutants/hunt.ts'
import { mutantsOf } from './mutants/mutate.ts'
import { targets } from './mutants/targets.ts'

void suite('mutants', () => {
  test('conditions are negated, statements dropped, waits removed, and neighbours swapped around a wait', () => {
    const source = `class Shop {
  async #sell(one: boolean) {
    if (one) return
    await this.pack()
    this.send()
  }
}`
    assert.deepEqual(
      mutantsOf('shop.ts', source).map(({ line, within, what }) => `${line} ${within}, ${what}`),
      [
        '4 #sell, order swapped: await this.pack() this.send()',
        '3 #sell, condition negated: one',
        '3 #sell, statement dropped: return',
        '4 #sell, statement dropped: await this.pack()',
        '4 #sell, await removed: await this.pack()',
        '5 #sell, statement dropped: this.send()',
      ],
    )
  })

  test('what is said to be equivalent is still there to be changed', () => {
    const known = new Set(
      targets.flatMap((target) => mutantsOfTarget(target).map(({ within, what }) => `${target.file}, ${within}, ${what}`)),
    )
    const gone = EQUIVALENT.map(({ file, within, what }) => `${file}, ${within}, ${what}`).filter((one) => !known.has(one))
    assert.deepEqual(gone, [])
  })

  test('a relay that marks as sent what it did not send is killed', async (t) => {
    const cache = mkdtempSync(join(tmpdir(), 'seaworthy-mutant-'))
    t.after(() => rmSync(cache, { recursive: true }))
    const lane = targets.find(({ file }) => file === 'outbox/relay-lane.ts')!
    const number = mutantsOfTarget(lane).findIndex(({ what }) => what === 'statement dropped: await this.#publish(entries)')
    const { verdict } = await huntOneMutant(lane, number, cache)
    assert.equal(verdict.kind, 'killed')
  })
})
