import { parseArgs } from 'node:util'
import { fuzz } from './fuzz.ts'
import { inputOf } from './inputs.ts'
import { upstreams } from './upstreams.ts'

/**
 * `npm run fuzz [-- --inputs 1000000 --seed 7 --upstream node|nginx|python]` looks for bytes that the proxy and an upstream frame
 * differently; `-- --show SEED` prints an input. It fails when it finds some, or when what it sends tests nothing.
 */
const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    upstream: { type: 'string', default: 'node' },
    show: { type: 'string' },
  },
})
if (values.show !== undefined) {
  console.log(JSON.stringify(inputOf(Number(values.show))))
  process.exit()
}
const start = Object.hasOwn(upstreams, values.upstream) ? upstreams[values.upstream] : undefined
if (start === undefined) throw new Error(`There is no upstream ${values.upstream}: ${Object.keys(upstreams).join(', ')}.`)
const upstream = await start()
const inputs = Number(values.inputs)
const { findings, forwarded, refused } = await fuzz({
  upstream,
  inputs,
  seed: Number(values.seed),
  onProgress: (done) => console.error(`${done} inputs`),
})
for (const { seed, why, input } of findings.slice(0, 20)) console.log(`--show ${seed}: ${why}\n  ${JSON.stringify(input)}`)
console.log(
  `${inputs} inputs before ${values.upstream}, seed ${values.seed}: ${forwarded} with a request that went on, ${refused} with one that was refused, ${findings.length} framed differently`,
)
process.exitCode = findings.length > 0 || forwarded < inputs / 4 || refused < inputs / 20 ? 1 : 0
await upstream.stop()
process.exit()
