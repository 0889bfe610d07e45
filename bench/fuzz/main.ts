import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import type { Finding, FuzzResult } from './fuzz.ts'
import { fuzzOnThreads } from './fuzz-threads.ts'
import { inputOf } from './inputs.ts'
import { upstreams } from './upstreams.ts'

/**
 * `npm run fuzz [-- --inputs 1000000 --seed 7 --upstream node,nginx,python]` looks for bytes that the proxy and an upstream frame differently. The inputs of a
 * seed have numbers; the upstreams get equal parts of them, one after the other. Broken off, it goes on with `--from NUMBER`, the last that it told.
 * `-- --show SEED` prints an input. It fails when it finds some, or when what it sends tests nothing.
 */
const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    upstream: { type: 'string', default: Object.keys(upstreams).join(',') },
    threads: { type: 'string', default: String(availableParallelism()) },
    show: { type: 'string' },
  },
})
if (values.show !== undefined) {
  console.log(JSON.stringify(inputOf(Number(values.show))))
  process.exit()
}
const names = values.upstream.split(',')
const unknown = names.find((name) => !Object.hasOwn(upstreams, name))
if (unknown !== undefined) throw new Error(`There is no upstream ${unknown}: ${Object.keys(upstreams).join(', ')}.`)
const numbers = { inputs: Number(values.inputs), from: Number(values.from), seed: Number(values.seed), threads: Number(values.threads) }
for (const [name, value] of Object.entries(numbers))
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} is no whole number.`)

const SAID_EVERY_MS = 10_000
// One input may wait for its answers while others go on, and one thread be ahead of another.
const UNDER_WAY_MAX = 20_000

/** The part of all inputs that an upstream gets, of those from a number on. */
function partOf(index: number): { readonly from: number; readonly inputs: number } {
  const [begin, end] = [index, index + 1].map((each) => Math.floor((numbers.inputs * each) / names.length))
  const from = Math.max(begin!, numbers.from)
  return { from, inputs: Math.max(0, end! - from) }
}

const tellFinding = ({ seed, why, input }: Finding) => console.log(`--show ${seed}: ${why}\n  ${JSON.stringify(input)}`)

async function fuzzBefore(name: string, part: ReturnType<typeof partOf>): Promise<FuzzResult> {
  const upstream = await upstreams[name]!()
  const startedMs = performance.now()
  let saidMs = startedMs
  const onProgress = (done: number) => {
    if (performance.now() - saidMs < SAID_EVERY_MS) return
    saidMs = performance.now()
    const perSecond = Math.round(done / ((saidMs - startedMs) / 1_000))
    const safely = part.from + Math.max(0, done - UNDER_WAY_MAX)
    console.error(`${name}: ${done} of ${part.inputs}, ${perSecond} a second; goes on with --from ${safely}`)
  }
  try {
    const result = await fuzzOnThreads({ upstream, seed: numbers.seed, ...part, onProgress, onFinding: tellFinding }, numbers.threads)
    const seconds = (performance.now() - startedMs) / 1_000
    console.log(
      `${part.inputs} inputs before ${name}, seed ${numbers.seed}, from ${part.from}, in ${seconds.toFixed(1)} s: ${result.forwarded} with a request that went on, ${result.refused} with one that was refused, ${result.findings.length} framed differently, ${result.passing} that seemed so once`,
    )
    return result
  } finally {
    await upstream.stop()
  }
}

let isSound = true
for (const [index, name] of names.entries()) {
  const part = partOf(index)
  if (part.inputs === 0) continue
  const { findings, forwarded, refused } = await fuzzBefore(name, part)
  if (findings.length > 0 || forwarded < part.inputs / 4 || refused < part.inputs / 20) isSound = false
}
process.exitCode = isSound ? 0 : 1
process.exit()
