import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

/** Both halves of it, at first and at most. */
const FIRST_MB = 2
const ALL_MB = 32

/** Runs in a process of its own, because a flag of V8 is the whole process's. @returns each size of the young generation, in MB, while ever more survives */
function sizesMb(before: string): number[] {
  const program = `
import { getHeapSpaceStatistics } from 'node:v8'
import { growYoungGenerationAtOnce } from '${new URL('../src/young-generation.ts', import.meta.url).href}'
${before}
const sizes = new Set()
const kept = []
for (let round = 0; round < 3_000 && !sizes.has(${ALL_MB}); round++) {
  kept.push(Array.from({ length: 1_000 }, (_, index) => ({ index })))
  if (kept.length > 50) kept.shift()
  sizes.add(getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size / 2 ** 20)
}
console.log(JSON.stringify([...sizes]))`
  const flags = ['--disable-warning=ExperimentalWarning', `--max-semi-space-size=${ALL_MB / 2}`, '--input-type=module']
  return JSON.parse(execFileSync(process.execPath, [...flags, '-e', program], { encoding: 'utf8' })) as number[]
}

test('the young generation grows to its full size in one step', () => {
  const byItself = sizesMb('')
  assert.ok(byItself.at(-1) === ALL_MB && byItself.length > 3, `by itself it takes several: ${byItself.join(', ')} MB`)
  const atOnce = sizesMb('growYoungGenerationAtOnce()')
  assert.deepEqual(
    atOnce.filter((mb) => mb > FIRST_MB),
    [ALL_MB],
  )
})
